#!/bin/bash
# `imagepkg wrap`, inspect and verify on disks of every kind: what comes out is a package
# that dpkg, lintian, e2fsck and qemu-img are content with, and the disk is left alone.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need mke2fs e2fsck debugfs qemu-img dpkg-deb lintian jq

export SOURCE_DATE_EPOCH=1700000000

# base DEB: unpack it to $T/x and set $files to where its image lies
base()
{
	rm -rf x
	dpkg-deb -x "$1" x
	files=$(echo x/var/lib/waybill/appliances/*)
}

# A used file system: logs, keys, deleted files.
mkdir -p tree/etc/ssh tree/var/log tree/tmp/deep tree/usr
echo LASTING >tree/usr/kept
echo VOLATILE >tree/etc/ssh/ssh_host_ed25519_key
echo VOLATILE >tree/var/log/syslog
echo VOLATILE >tree/tmp/deep/file
echo VOLATILE >tree/usr/deleted
mke2fs -q -t ext4 -d tree ext4.raw 64M
debugfs -w -R 'rm /usr/deleted' ext4.raw 2>/dev/null
qemu-img convert -O qcow2 -c ext4.raw ext4.qcow2
# A disk with a partition table, which is packaged as it is.
truncate -s 8M mbr.raw
printf 'MBRDATA' | dd of=mbr.raw bs=1 seek=600 conv=notrunc status=none

note "raw ext4: cleaned in a copy"
before=$(sha256sum ext4.raw)
deb=$(imagepkg wrap --disk ext4.raw --name askom --version 1.4.0-1)
equal "$deb" ./askom_1.4.0-1_amd64.deb "what wrap prints"
equal "$(sha256sum ext4.raw)" "$before" "the disk after wrap"
base "$deb"
qemu-img check -q "$files/disk.qcow2"
qemu-img convert -O raw "$files/disk.qcow2" out.raw
e2fsck -fn out.raw >/dev/null
grep -qa LASTING out.raw || fail "a file is lost"
! grep -qa VOLATILE out.raw || fail "something volatile is still in the image"

note "compressed qcow2: the same bytes inside"
imagepkg wrap --disk ext4.qcow2 --name askom --version 1.4.0-1 -o x
equal "$(dpkg-deb -f x/askom_1.4.0-1_amd64.deb Image-Base-SHA256)" \
	"$(dpkg-deb -f "$deb" Image-Base-SHA256)" "base of the same disk as qcow2"
cmp "$deb" x/askom_1.4.0-1_amd64.deb

note "another disk: as it is"
imagepkg wrap --disk mbr.raw --name mbr --version 1
base mbr_1_amd64.deb
equal "$(qemu-img convert -O raw "$files/disk.qcow2" out.raw; sha256sum <out.raw)" \
	"$(sha256sum <mbr.raw)" "a partitioned disk in the package"

note "Boot: kernel, all fields"
cat >config <<'CONF'
Memory: 512M
Boot: kernel
Ports: 8080:80 5353:53/udp
Data: 1G
Params:
 GREETING=hello
 KEY secret
CONF
echo kernel >vmlinuz
echo initrd >initrd.img
imagepkg wrap --disk mbr.raw --name full --version 2:1.0 --config config --kernel vmlinuz \
	--initrd initrd.img --maintainer 'Anna <anna@waybill.invalid>' --description 'thing that answers'
base full_1.0_amd64.deb
equal "$(cat "$files/vmlinuz" "$files/initrd.img")" "$(printf 'kernel\ninitrd')" "boot files"
contains "$files/appliance.conf" "Version: 2:1.0"
contains "$files/appliance.conf" "Ports: 8080:80 5353:53/udp"
equal "$(dpkg-deb -f full_1.0_amd64.deb Maintainer)" "Anna <anna@waybill.invalid>" Maintainer

note "the package as dpkg, lintian and we see it"
for file in askom_1.4.0-1_amd64.deb full_1.0_amd64.deb; do
	lintian --fail-on error,warning "$file" 2>&1 | { grep -v '^running with root' || true; }
	imagepkg verify "$file" >out
	contains out "all is right"
	imagepkg inspect --json "$file" >out
	equal "$(dpkg-deb --fsys-tarfile "$file" | sha256sum | cut -d' ' -f1)" \
		"$(jq -r '.control["Image-Data-SHA256"]' out)" "Image-Data-SHA256 of $file"
	equal "$(dpkg-deb --fsys-tarfile "$file" | wc -c)" \
		"$(jq -r '.control["Image-Data-Size"]' out)" "Image-Data-Size of $file"
	equal "$(ar p "$file" control.tar.zst | sha256sum | cut -d' ' -f1)" \
		"$(jq -r .control_sha256 out)" "the control member of $file"
done
equal "$(ar t full_1.0_amd64.deb | tr '\n' ' ')" "debian-binary control.tar.zst data.tar.zst " \
	"members"
dpkg-deb --fsys-tarfile full_1.0_amd64.deb | tar tv --full-time >listing
! grep -v ' root/root ' listing || fail "not all belong to root"
! grep -v 2023-11-14 listing || fail "another time than SOURCE_DATE_EPOCH"
