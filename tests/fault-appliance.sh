#!/bin/bash
# `appliance converge` dies at every step it makes: one more converge ends right, and there
# is never a lost or a doubled domain. The hypervisor is libvirt's test driver, inside
# libvirtd, where domains outlive the program that defined them.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
FAULT_POINTS=${FAULT_POINTS:-12} # seven loops, and each step costs half a second
. "$top_srcdir/tests/fault/every-step.sh"
need_libvirt
need qemu-img sqlite3

export WAYBILL_LIBVIRT_URI=test+unix:///default
# The driver forgets its domains when nobody is connected.
mkfifo hold
virsh -q -c $WAYBILL_LIBVIRT_URI <hold >/dev/null 2>&1 &
track_pid $!
exec 8>hold
name=fault$$
root=$T/root
package=$root/var/lib/waybill/appliances/$name
instance=$root/var/lib/waybill/instances/$name
at_exit forget_domains

domains()
{
	virsh -q -c $WAYBILL_LIBVIRT_URI list --name "$@" | { grep -e "-$name\$" || true; }
}

forget_domains()
{
	local domain
	for domain in $(domains --all); do
		virsh -q -c $WAYBILL_LIBVIRT_URI destroy "$domain" || true
		virsh -q -c $WAYBILL_LIBVIRT_URI undefine "$domain" || true
	done >/dev/null 2>&1
}

# unpack VERSION: put the package's files there as dpkg would
unpack()
{
	mkdir -p "$package"
	rm -f "$package"/*
	qemu-img create -q -f qcow2 "$package/disk.qcow2" 8M
	qemu-io -c "write -P ${1%%.*} 0 64k" "$package/disk.qcow2" >/dev/null
	cat >"$package/appliance.conf" <<-CONF
		Format: waybill-appliance 1
		Appliance: $name
		Version: $1
		Architecture: amd64
		Base-SHA256: $(sha256sum <"$package/disk.qcow2" | cut -d' ' -f1)
		Disk: 8M
		Memory: 32M
		Data: 4M
		Swap: 4M
		Boot: disk
	CONF
	chmod 444 "$package/disk.qcow2"
}

appliance()
{
	command appliance --root "$root" "$@"
}

fresh_root()
{
	forget_domains
	chmod -R u+w "$root" 2>/dev/null || true
	rm -rf "$root"
	make_dpkg_root "$root"
	unpack 1.0
	appliance want "$name"
}

running_version()
{
	sqlite3 "$root/var/lib/waybill/state.db" "SELECT actual_version, step IS NULL
		FROM instance WHERE name = '$name'"
}

# one_domain_runs VERSION
one_domain_runs()
{
	equal "$(domains | wc -l)" 1 "running domains"
	equal "$(domains --all | wc -l)" 1 "domains"
	equal "$(running_version)" "$1|1" "version and rest in state.db"
	for disk in "$instance"/*.qcow2; do
		qemu-img check -q -U "$disk" || fail "qemu-img check $disk"
	done
	equal "$(qemu-img info -U --output=json "$instance/system.qcow2" |
		sed -n 's/.*"full-backing-filename": "\(.*\)".*/\1/p' |
		xargs sha256sum | cut -d' ' -f1)" \
		"$(sha256sum <"$package/disk.qcow2" | cut -d' ' -f1)" "base of the overlay"
}

fault_between()
{
	[ "$(domains --all | wc -l)" -le 1 ]
	sqlite3 "$root/var/lib/waybill/state.db" 'PRAGMA integrity_check' | grep -qx ok
}

note "a first start"
fault_setup() { fresh_root; }
fault_run() { appliance converge "$name"; }
fault_check() { one_domain_runs 1.0; }
every_step appliance kill-before
every_step appliance kill-after
every_step appliance ENOSPC

note "an upgrade; the data disk stays"
fault_setup()
{
	fresh_root
	appliance converge "$name"
	qemu-io -c "write -P 7 0 64k" "$instance/data.qcow2" >/dev/null
	appliance retain "$name"
	unpack 2.0
	appliance want "$name"
}
fault_check()
{
	one_domain_runs 2.0
	qemu-io -r -c "read -P 7 0 64k" "$instance/data.qcow2" | grep -q 'read 65536'
}
every_step appliance kill-before
every_step appliance kill-after

note "a removal"
fault_setup()
{
	fresh_root
	appliance converge "$name"
	appliance want "$name" --state removed
}
fault_check()
{
	equal "$(domains --all | wc -l)" 0 "domains"
	[ -e "$instance/data.qcow2" ] || fail "the data disk went"
}
every_step appliance kill-before
