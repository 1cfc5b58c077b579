#!/bin/bash
# Wrong, truncated, oversized and hostile inputs of imagepkg: a clear message, the right
# exit status, nothing written.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need qemu-img dpkg-deb ar

export SOURCE_DATE_EPOCH=1700000000 TMPDIR=$T/tmp
mkdir in to tmp recipe
truncate -s 4M in/disk.raw
wrap=(imagepkg wrap --name x1 --version 1 -o to --disk)

# refuses STATUS TEXT COMMAND...: and leaves neither a package nor a temporary file
refuses()
{
	local status=$1 text=$2
	shift 2
	run_exit "$status" "$@"
	contains err "$text"
	[ -z "$(find to tmp -mindepth 1)" ] || fail "left behind: $(find to tmp -mindepth 1)"
}

note "command lines"
refuses 2 "unknown command" imagepkg frobnicate
refuses 2 "are needed" imagepkg wrap --disk in/disk.raw
refuses 2 "unknown option" "${wrap[@]}" in/disk.raw --frob
refuses 2 "too many arguments" "${wrap[@]}" in/disk.raw more
refuses 2 "no package name" imagepkg wrap --disk in/disk.raw --name ../x --version 1 -o to
refuses 2 "no Debian version" imagepkg wrap --disk in/disk.raw --name x1 --version 1/2 -o to
refuses 2 "does not exist" imagepkg wrap --disk in/disk.raw --name x1 --version 1 -o nowhere
refuses 2 "one line" "${wrap[@]}" in/disk.raw --description $'a\nDepends: evil'
refuses 2 "--kernel and --initrd need" "${wrap[@]}" in/disk.raw --kernel in/disk.raw
refuses 2 "too few arguments" imagepkg inspect
TMPDIR='/tmp/a b' refuses 2 "TMPDIR" "${wrap[@]}" in/disk.raw

note "disks"
qemu-img create -q -f qcow2 in/base.qcow2 4M
qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 in/overlay.qcow2
qemu-img create -q -f qcow2 -o data_file=/etc/passwd.copy,data_file_raw=on in/ext.qcow2 4M 2>/dev/null ||
	qemu-img create -q -f qcow2 -o "data_file=$T/in/data" in/ext.qcow2 4M
qemu-img snapshot -c one in/base.qcow2
head -c 60 in/overlay.qcow2 >in/short.qcow2
head -c 1500000 /dev/zero >in/odd.raw
head -c 100 /dev/zero >in/small.raw
: >in/empty
mkfifo in/fifo
refuses 1 "there is no disk" "${wrap[@]}" in/missing
refuses 1 "no regular file" "${wrap[@]}" in
refuses 1 "no regular file" "${wrap[@]}" in/fifo
refuses 1 "neither qcow2 nor a raw disk" "${wrap[@]}" in/empty
refuses 1 "neither qcow2 nor a raw disk" "${wrap[@]}" in/small.raw
refuses 1 "neither qcow2 nor a raw disk" "${wrap[@]}" in/odd.raw
refuses 1 "backing file" "${wrap[@]}" in/overlay.qcow2
refuses 1 "snapshots" "${wrap[@]}" in/base.qcow2
refuses 1 "in another file" "${wrap[@]}" in/ext.qcow2
refuses 1 "truncated" "${wrap[@]}" in/short.qcow2
mke2fs -q -t ext4 in/torn.raw 4M 2>/dev/null
printf '\0' | dd of=in/torn.raw bs=1 seek=1082 conv=notrunc status=none
refuses 1 "e2fsck" "${wrap[@]}" in/torn.raw

note "configurations"
config()
{
	printf '%b' "$2" >in/config
	refuses 1 "$1" "${wrap[@]}" in/disk.raw --config in/config
}
config "Frob" 'Frob: 1\n'
config "Memory" 'Memory: 1\n'
config "Boot" 'Boot: floppy\n'
config "Ports" 'Ports: 99999:80\n'
config "holds no stanza" '# nothing\n'
config "twice" 'Vcpus: 1\nVcpus: 2\n'
head -c 200000 /dev/zero | tr '\0' a >in/config
refuses 1 "larger than" "${wrap[@]}" in/disk.raw --config in/config

note "recipes"
recipe()
{
	printf 'Name: r1\nVersion: 1\nMaintainer: A <a@b.c>\nDescription: x\nSuite: bookworm\n%b' \
		"$2" >recipe/recipe
	refuses 1 "$1" imagepkg build recipe -o to
}
refuses 1 "does not exist" imagepkg build nowhere -o to
recipe "Disk" 'Boot: kernel\n'
recipe "no boot loader" 'Disk: 64M\n'
# shellcheck disable=SC2016 # that is the hostile input
recipe "Packages" 'Disk: 64M\nBoot: kernel\nPackages: $(reboot)\n'
recipe "absolute path" 'Disk: 64M\nBoot: kernel\nFiles:\n recipe /../../etc/x\n'
recipe "does not exist" 'Disk: 64M\nBoot: kernel\nFiles:\n missing /etc/x\n'
recipe "does not exist" 'Disk: 64M\nBoot: kernel\nScript: missing\n'

note "packages"
"${wrap[@]}" in/disk.raw >/dev/null
mv to/x1_1_amd64.deb in/good.deb
imagepkg verify in/good.deb >/dev/null
plain=$(make_deb in hello 1.0)
refuses 1 "no image package" imagepkg inspect "$plain"
refuses 1 "there is no file" imagepkg verify in/missing.deb
refuses 1 "no ar archive" imagepkg verify in/disk.raw
size=$(stat -c %s in/good.deb)
for cut in 1 100 $((size / 2)) $((size - 70)) $((size - 10)); do
	head -c -$cut in/good.deb >in/cut.deb
	refuses 1 "in/cut.deb" imagepkg verify in/cut.deb
done

# remake PROGRAM: in/bad.deb is in/good.deb after PROGRAM has changed its tree
remake()
{
	rm -rf tree in/bad.deb
	dpkg-deb -R in/good.deb tree
	(cd tree && eval "$1")
	dpkg-deb --root-owner-group -Zzstd --uniform-compression -b tree in/bad.deb >/dev/null
}
at=var/lib/waybill/appliances/x1
remake "echo 'touch /tmp/evil' >>DEBIAN/postinst"
refuses 1 "its postinst is not" imagepkg verify in/bad.deb
remake "printf 'interest-noawait /usr\n' >DEBIAN/triggers"
refuses 1 "triggers" imagepkg verify in/bad.deb
remake "mkdir -p etc/cron.d; echo x >etc/cron.d/evil"
refuses 1 "no business" imagepkg verify in/bad.deb
remake "sed -i 's/^Memory.*/Memory: 1G/' $at/appliance.conf"
refuses 1 "Image-Data-SHA256" imagepkg verify in/bad.deb
remake "sed -i 's/^Version.*/Version: 2/' $at/appliance.conf"
refuses 1 "Version" imagepkg verify in/bad.deb
remake "sed -i '/^Memory/d; s/^Format.*/Format: other/' $at/appliance.conf"
refuses 1 "Format" imagepkg inspect in/bad.deb
remake "head -c 100000 /dev/zero >>$at/appliance.conf"
refuses 1 "appliance.conf" imagepkg inspect in/bad.deb
remake "ln -s /etc/passwd $at/vmlinuz"
refuses 1 "only files and directories" imagepkg verify in/bad.deb
remake "rm $at/disk.qcow2"
refuses 1 "Image-Data-SHA256" imagepkg verify in/bad.deb
remake "chmod 600 $at/disk.qcow2"
refuses 1 "mode 0600" imagepkg verify in/bad.deb
