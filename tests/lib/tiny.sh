# shellcheck shell=bash
# Appliances that boot in seconds, for tests that start VMs. Sourced after lib.sh.

# For an appliance's configuration in an emulated machine, as a sed program: a boot takes minutes.
# The loop of QEMU's ACPI tables that tells a device its interrupt then runs into Linux's limit of
# 30 s, for each device; virtio needs none. norandmaps: as in tests/guest/guest.sh.
# shellcheck disable=SC2034 # for those who source this
NESTED_PATIENCE='s/deadline=[0-9]*s/deadline=1200s/; s/^Watch: .*/Watch: 0s/
	s/^Kernel-Args: .*/& acpi=noirq norandmaps/'

# tiny_deb [RECIPE]: the package of recipes/tiny, or of another, built once a build tree.
# Prints its path.
tiny_deb()
{
	local recipe=${1:-tiny} deb
	local dir=$top_builddir/tests/$recipe
	mkdir -p "$dir"
	(
		flock 9
		deb=$(find "$dir" -name '*.deb' -newer "$top_builddir/imagepkg/imagepkg" \
			-newer "$top_srcdir/imagepkg/recipes/$recipe/recipe" \
			-newer "$top_srcdir/imagepkg/recipes/tiny/init")
		if [ -z "$deb" ]; then
			rm -f "$dir"/*.deb
			imagepkg build -o "$dir" "$top_srcdir/imagepkg/recipes/$recipe" \
				>"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
			touch "$dir"/*.deb
		fi
	) 9>"$dir/lock" >&2 || fail "imagepkg build"
	echo "$dir"/*.deb
}

# host_kernels DIR: the two newest of Debian's cloud kernels, each as a host has it below
# DIR/RELEASE: boot/vmlinuz-*, lib/modules/* with its index, and an initrd of busybox and the
# drivers of a disk. Prints the releases, the older first.
host_kernels()
{
	local dir=$1 cache=$top_builddir/tests/kernels package release
	mkdir -p "$cache"
	(
		flock 9
		cd "$cache"
		newest=$(apt-cache depends linux-image-cloud-amd64 |
			sed -n 's/.*Depends: \(linux-image-[^ ]*\)$/\1/p' | head -1)
		apt-cache --names-only search \
			'^linux-image-[0-9]+[.][0-9]+[.][0-9][^ ]*-cloud-amd64$' |
			cut -d' ' -f1 | sort -V | sed "/^$newest\$/q" | tail -2 >wanted
		while read -r package; do
			ls "$package"_*.deb >/dev/null 2>&1 || apt-get -qq download "$package"
		done <wanted
	) 9>"$cache/lock" >&2 || fail "apt-get download of kernels"
	while read -r package; do
		release=${package#linux-image-}
		mkdir -p "$dir/$release"
		dpkg-deb -x "$cache/$package"_*.deb "$dir/$release"
		depmod -b "$dir/$release" "$release"
		_host_initrd "$dir/$release" "$release"
		echo "$release"
	done <"$cache/wanted"
}

# initrd_modules KERNEL RELEASE DIR MODULE...: from the kernel below KERNEL, with what they need;
# DIR/order names the files in the order to load them in.
initrd_modules()
{
	local kernel=$1 release=$2 dir=$3 module verb file
	shift 3
	mkdir -p "$dir"
	for module; do
		modprobe -d "$kernel" -S "$release" --show-depends "$module"
	done | while read -r verb file _; do
		[ "$verb" = insmod ] && [ ! -e "$dir/${file##*/}" ] || continue
		cp "$file" "$dir/"
		echo "${file##*/}" >>"$dir/order"
	done
}

_host_initrd()
{
	local top=$1 release=$2 tree=$1/initrd
	mkdir -p "$tree"/{bin,dev,proc,sys,root}
	cp /bin/busybox "$tree/bin/"
	cp "$top_srcdir/imagepkg/recipes/tiny/initrd-init" "$tree/init"
	# The last ones for a disk that has no modules of its own.
	initrd_modules "$top" "$release" "$tree/modules" virtio_pci virtio_blk ext4 virtio_net \
		isofs button evdev
	(cd "$tree" && find . | cpio --quiet -o -H newc) >"$top/boot/initrd.img-$release"
	rm -rf "$tree"
}

# tiny_variant DIR NAME VERSION PORT [GREETING]: the same VM as another package, with its
# page on 127.0.0.1:PORT. $TINY_CONF, if set, is a sed program for its configuration. Prints
# the package's path.
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
	[ -z "${TINY_CONF:-}" ] || sed -i -e "$TINY_CONF" "$files/appliance.conf"
	imagepkg --quiet wrap --name "$name" --version "$version" --disk "$files/disk.qcow2" \
		--kernel "$files/vmlinuz" --initrd "$files/initrd.img" \
		--config "$files/appliance.conf" -o "$dir"
	rm -rf "$files"
}
