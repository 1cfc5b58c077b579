#!/bin/bash
# Boot: disk: one image with its own boot loader and partition table, made without Waybill, is
# wrapped twice and boots from BIOS and from OVMF.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_libvirt
need dpkg qemu-img curl cpio grub-mkrescue xorriso mformat
for needed in /usr/lib/grub/i386-pc/boot.img /usr/lib/grub/x86_64-efi/moddep.lst \
	/usr/share/OVMF/OVMF_VARS_4M.fd; do
	[ -e "$needed" ] || skip "there is no $needed"
done
make_site

appliance()
{
	command appliance --root "$root" "$@"
}

note "the image: GRUB for both firmwares, its kernel, and tiny's root in a partition"
host_kernels "$T/kernels" >releases
release=$(tail -1 releases)
mkdir -p files iso/boot/grub
dpkg-deb --fsys-tarfile "$(tiny_deb tiny-host)" |
	tar -x -C files --strip-components=6 ./var/lib/waybill/appliances/tiny-host
qemu-img convert -O raw files/disk.qcow2 root.raw
cp "$T/kernels/$release/boot/vmlinuz-$release" iso/boot/vmlinuz
cp "$T/kernels/$release/boot/initrd.img-$release" iso/boot/initrd
cat >iso/boot/grub/grub.cfg <<'GRUB'
serial --unit=0
terminal_output serial
linux /boot/vmlinuz root=/dev/vda4 rw console=ttyS0 loglevel=4
echo "grub on $grub_platform"
initrd /boot/initrd
boot
GRUB
# What is appended is the fourth partition of the GPT that it makes.
grub-mkrescue -o disk.raw iso -append_partition 3 0x83 root.raw >grub.log 2>&1 ||
	{ cat grub.log >&2; fail "grub-mkrescue"; }
truncate -s %1M disk.raw

grub_runs_on()
{
	appliance console --log "$1" | grep -aqF "grub on $2"
}

# OVMF leaves GRUB too little of 192M for a kernel.
# boots FIRMWARE PLATFORM: to what GRUB says it was started by, and to its page.
boots()
{
	local firmware=$1 platform=$2 name=tiny-$1 port deb
	port=$(free_port)
	sed -E '/^(Format|Appliance|Version|Architecture|Base-SHA256|Disk|Kernel-Args):/d
		s/^Memory:.*/Memory: 512M/; s/^Ports:.*/Ports: '"$port"':80/; s/^Boot:.*/Boot: disk\nFirmware: '"$firmware"'/' \
		files/appliance.conf >conf
	deb=$(imagepkg --quiet wrap --name "$name" --version 1.0 --disk disk.raw --config conf)
	root_dpkg "$root" -i "$deb" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
	wait_for 240 "GRUB of $name" grub_runs_on "$name" "$platform"
	wait_for 240 "page of $name" page_says "$port" "kernel: $release"
	appliance stop "$name"
	appliance start "$name"
	wait_for 240 "page after a second start" page_says "$port" "system-boots: 2"
}

note "BIOS"
boots bios pc
[ ! -e "$root/var/lib/waybill/instances/tiny-bios/nvram.fd" ] || fail "nvram with BIOS"
root_dpkg "$root" -P tiny-bios >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -P"; }

note "UEFI"
boots uefi efi
[ -e "$root/var/lib/waybill/instances/tiny-uefi/nvram.fd" ] || fail "no nvram with UEFI"
root_dpkg "$root" -P tiny-uefi >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -P"; }
equal "$(find "$root/var/lib/waybill" -type f ! -name state.db ! -name appliance.lock)" "" \
	"files after purge"
