#!/bin/bash
# `appliance converge` dies at every step it makes: one more converge ends right, and there
# is never a lost or a doubled domain. The hypervisor is libvirt's test driver, inside
# libvirtd, where domains outlive the program that defined them.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
FAULT_POINTS=${FAULT_POINTS:-8} # of all steps; each costs half a second
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
	virsh -q -c $WAYBILL_LIBVIRT_URI list --name "$@" | { grep -E -e "-$name(@b)?\$" || true; }
}

forget_domains()
{
	local domain
	for domain in $(domains --all); do
		virsh -q -c $WAYBILL_LIBVIRT_URI destroy "$domain" || true
		virsh -q -c $WAYBILL_LIBVIRT_URI undefine "$domain" || true
	done >/dev/null 2>&1
}

# unpack VERSION [CONF LINE...]: put the package's files there as dpkg would. A line
# "Upgrade: parallel" takes the data disk away.
unpack()
{
	local data="Data: 4M" line
	case "$*" in *"Upgrade: parallel"*) data= ;; esac
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
		Swap: 4M
		Boot: disk
	CONF
	shift
	for line in ${data:+"$data"} "$@"; do
		echo "$line" >>"$package/appliance.conf"
	done
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
		"$(sed -n 's/^Base-SHA256: //p' \
			"$root/var/lib/waybill/versions/$name/$1/appliance.conf")" "base of the overlay"
}

fault_between()
{
	[ "$(domains --all | wc -l)" -le 1 ]
	sqlite3 "$root/var/lib/waybill/state.db" 'PRAGMA integrity_check' | grep -qx ok
}

# What lasts of a step is what was committed: dying before and after the unlink of each
# journal of state.db, and at each rename and link, is dying at every recorded step. All of
# these are tried; of all the other calls a sample is.
RECORDED=unlink,rename,link

every_recorded_step()
{
	FAULT_EXHAUSTIVE=1 every_step appliance kill-before $RECORDED
	FAULT_EXHAUSTIVE=1 every_step appliance kill-after $RECORDED
}

write_data()
{
	qemu-io -c "write -P $1 0 64k" "$instance/data.qcow2" >/dev/null
}

data_is()
{
	qemu-io -r -U -c "read -P $1 0 64k" "$instance/data.qcow2" >data.log
	! grep -q failed data.log || fail "the data is not $1"
	grep -q 'read 65536' data.log
}

# nothing_is_left: of a transition that is over
nothing_is_left()
{
	equal "$(find "$instance" "$root/var/lib/waybill/bases" -name '*.new')" "" "half-made files"
	equal "$(sqlite3 "$root/var/lib/waybill/state.db" \
		"SELECT coalesce(trial, 'none') FROM instance")" none "trial"
}

note "a first start"
fault_setup() { fresh_root; }
fault_run() { appliance converge "$name"; }
fault_check() { one_domain_runs 1.0; }
every_step appliance kill-before
every_step appliance kill-after
every_step appliance ENOSPC

# upgraded_to VERSION [CONF LINE...]: 1.0 runs, has data, and VERSION is wanted
upgraded_to()
{
	fresh_root
	appliance converge "$name"
	write_data 7
	appliance retain "$name"
	unpack "$@"
	appliance want "$name"
}

note "an upgrade; the data stays"
fault_setup() { upgraded_to 2.0; }
fault_check()
{
	one_domain_runs 2.0
	data_is 7
	nothing_is_left
}
every_recorded_step
every_step appliance kill-before
every_step appliance kill-after

note "a version that is not well goes back; so does the data"
fault_setup()
{
	upgraded_to 2.0 "Health: agent deadline=1s"
	appliance converge "$name" --start-only
	write_data 9
	sleep 1
}
fault_run()
{
	appliance converge "$name" || [ $? = 3 ] # 3: it was reverted
}
fault_check()
{
	one_domain_runs 1.0
	data_is 7
	nothing_is_left
	[ ! -e "$instance/before" ] || fail "before/ is left"
}
every_recorded_step
every_step appliance kill-before
every_step appliance ENOSPC

note "its watch is over: the data is merged when the domain is off"
fault_setup()
{
	upgraded_to 2.0 "Watch: 1s"
	appliance converge "$name"
	write_data 9
	sleep 1
}
fault_run()
{
	appliance converge "$name" && appliance stop "$name" && appliance start "$name"
}
fault_check()
{
	one_domain_runs 2.0
	data_is 9
	nothing_is_left
	[ ! -e "$instance/before" ] || fail "before/ is left"
}
every_recorded_step

note "beside the old one"
fault_setup()
{
	fresh_root
	unpack 1.0 "Network: none" "Upgrade: parallel"
	appliance want "$name"
	appliance converge "$name"
	appliance retain "$name"
	unpack 2.0 "Network: none" "Upgrade: parallel"
	appliance want "$name"
}
fault_run() { appliance converge "$name"; }
fault_between() { [ "$(domains --all | wc -l)" -le 2 ]; }
fault_check()
{
	instance=$instance@b one_domain_runs 2.0
	[ ! -e "$instance" ] || fail "the other unit is left"
}
every_recorded_step

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
