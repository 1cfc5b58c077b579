# shellcheck shell=bash
# Appliances that boot in seconds, for tests that start VMs. Sourced after lib.sh.

# tiny_deb: the package of recipes/tiny, built once a build tree. Prints its path.
tiny_deb()
{
	local dir=$top_builddir/tests/tiny deb
	mkdir -p "$dir"
	(
		flock 9
		deb=$(find "$dir" -name 'tiny_*.deb' -newer "$top_builddir/imagepkg/imagepkg" \
			-newer "$top_srcdir/imagepkg/recipes/tiny/recipe")
		if [ -z "$deb" ]; then
			rm -f "$dir"/*.deb
			imagepkg build -o "$dir" "$top_srcdir/imagepkg/recipes/tiny" \
				>"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
			touch "$dir"/*.deb
		fi
	) 9>"$dir/lock" >&2 || fail "imagepkg build"
	echo "$dir"/tiny_*.deb
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
