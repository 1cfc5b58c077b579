# shellcheck shell=bash
# Appliances that boot in seconds, for tests that start VMs. Sourced after lib.sh.

# tiny_deb: prints the path of recipes/tiny as a package, built once for all tests.
tiny_deb()
{
	local dir=$top_builddir/tests/tiny
	mkdir -p "$dir"
	(
		flock 9
		deb=$(find "$dir" -name 'tiny_*.deb' -newer "$top_srcdir/imagepkg/recipes/tiny/recipe")
		[ -n "$deb" ] || imagepkg --quiet build "$top_srcdir/imagepkg/recipes/tiny" -o "$dir" >&2
	) 9>"$dir/lock"
	echo "$dir/tiny_1.0_amd64.deb"
}

# tiny_variant DIR NAME VERSION PORT [GREETING]: the same VM as another package, with its
# page on 127.0.0.1:PORT. Prints the package's path.
tiny_variant()
{
	local dir=$1 name=$2 version=$3 port=$4 greeting=${5:-$2 $3} files
	mkdir -p "$dir"
	files=$(mktemp -d "$T/variant.XXXXXX")
	dpkg-deb --fsys-tarfile "$(tiny_deb)" |
		tar -x -C "$files" --strip-components=6 ./var/lib/waybill/appliances/tiny
	sed -i -E '/^(Format|Appliance|Version|Architecture|Base-SHA256|Disk):/d
		s/^Ports:.*/Ports: '"$port"':80/; s/^ GREETING=.*/ GREETING='"$greeting"'/' \
		"$files/appliance.conf"
	imagepkg --quiet wrap --name "$name" --version "$version" --disk "$files/disk.qcow2" \
		--kernel "$files/vmlinuz" --initrd "$files/initrd.img" \
		--config "$files/appliance.conf" -o "$dir"
	rm -rf "$files"
}
