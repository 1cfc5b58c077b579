#!/bin/bash
# Boot: host-kernel: an appliance without a kernel runs on the host's, with the host's modules
# in its own disk, and follows when the host gets another kernel. What cannot be written to is
# refused, and nothing is changed.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_libvirt
need dpkg qemu-img curl debugfs e2fsck depmod cpio
make_site
port=$(free_port)
host_kernels "$T/kernels" >releases
old=$(head -1 releases)
new=$(tail -1 releases)
[ "$old" != "$new" ] || skip "Debian has only one kernel: $old"
host=$T/host
echo "Host-Kernel: $host" >>"$root/etc/waybill/appliance.conf"
dir=$root/var/lib/waybill/instances/tiny-host

appliance()
{
	command appliance --root "$root" "$@"
}

# host_runs RELEASE: the host's kernel package changed.
host_runs()
{
	ln -sfn "$T/kernels/$1" "$host"
}

# The file system in the overlay is clean, and the modules in it are the kernel's.
disk_is_sound()
{
	qemu-img check -q "$dir/system.qcow2" || fail "qemu-img check"
	qemu-img convert -O raw "$dir/system.qcow2" disk.raw
	e2fsck -fn disk.raw >fsck.txt 2>&1 || { cat fsck.txt >&2; fail "e2fsck"; }
	rm -rf got
	mkdir got
	debugfs -R "rdump /lib/modules/$1 got" disk.raw >/dev/null 2>&1
	diff -r --no-dereference "$T/kernels/$1/lib/modules/$1" "got/$1" >&2 || fail "modules of $1"
	debugfs -R "stat /lib/modules/$1/modules.dep" disk.raw 2>/dev/null >stat.txt
	grep -q 'User: *0 *Group: *0' stat.txt || { cat stat.txt >&2; fail "owner"; }
	rm disk.raw
}

note "the package has no kernel, and gets the host's"
host_runs "$old"
deb=$(tiny_deb tiny-host)
dpkg-deb -c "$deb" >contents.txt
lacks contents.txt vmlinuz
note "package: $(stat -c %s "$deb") bytes"
mkdir -p tree
dpkg-deb -R "$deb" tree
sed -i "s/^Ports: .*/Ports: $port:80/" tree/var/lib/waybill/appliances/tiny-host/appliance.conf
rm tree/DEBIAN/md5sums
dpkg-deb --root-owner-group -Zgzip -z1 -b tree tiny-host.deb >/dev/null
root_dpkg "$root" -i tiny-host.deb >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
wait_for 120 "its page" page_says "$port" "kernel: $old"
page_says "$port" "modules: $old" || fail "$(page "$port")"
equal "$(cat "$dir/kernel-release")" "$old" "recorded release"
appliance console --log tiny-host >console.txt
lacks console.txt "tiny: no module"

appliance stop tiny-host
disk_is_sound "$old"
appliance start tiny-host
wait_for 120 "its page again" page_says "$port" "system-boots: 2"

note "another kernel on the host: nothing happens to the guest that runs"
host_runs "$new"
appliance converge tiny-host
page_says "$port" "kernel: $old" || fail "$(page "$port")"
page_says "$port" "system-boots: 2" || fail "$(page "$port")"

note "at its next start it has the new kernel and its modules, in a fresh overlay"
appliance stop tiny-host
appliance start tiny-host
wait_for 120 "page on the new kernel" page_says "$port" "kernel: $new"
page_says "$port" "modules: $new" || fail "$(page "$port")"
page_says "$port" "system-boots: 1" || fail "no fresh overlay: $(page "$port")"
page_says "$port" "data-boots: 3" || fail "the data disk was not kept: $(page "$port")"
appliance stop tiny-host
disk_is_sound "$new"

note "what cannot be done is refused, and what is there stays"
# refused WHAT TEXT: no start, exit 1 or 3, the old overlay untouched.
refused()
{
	local before after
	before=$(sha256sum <"$dir/system.qcow2")
	run_exit "$1" appliance reset tiny-host
	contains err "$2"
	after=$(sha256sum <"$dir/system.qcow2")
	equal "$after" "$before" "the overlay after: $2"
	[ ! -e "$dir/system.qcow2.new" ] || fail "half an overlay is left after: $2"
}
mv "$T/kernels/$new/lib/modules/$new/modules.dep" dep
refused 1 "modules.dep"
mv dep "$T/kernels/$new/lib/modules/$new/modules.dep"
mv "$T/kernels/$new/boot/initrd.img-$new" initrd
refused 1 "initrd.img-$new"
mv initrd "$T/kernels/$new/boot/initrd.img-$new"
truncate -s 200M "$T/kernels/$new/lib/modules/$new/big"
dd if=/dev/urandom of="$T/kernels/$new/lib/modules/$new/big" bs=1M count=120 status=none
refused 1 "the disk is full"
rm "$T/kernels/$new/lib/modules/$new/big"
appliance start tiny-host
wait_for 120 "page after all that" page_says "$port" "kernel: $new"
root_dpkg "$root" -P tiny-host >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -P"; }
equal "$(find "$root/var/lib/waybill" -type f ! -name state.db ! -name appliance.lock)" "" \
	"files after purge"
