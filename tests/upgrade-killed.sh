#!/bin/bash
# Upgrades of real guests that die in the middle: converge is killed as it takes a step, and
# with it, or instead of it, libvirtd and virtlogd are killed and started again. Afterwards one
# healthy version runs, one domain is defined, no file is left over, and the data disk is one
# of the two that it may be. The daemons are this test's own, in a mount namespace.
if [ -z "${WAYBILL_OWN_DAEMONS:-}" ] && [ "$(id -u)" = 0 ]; then
	WAYBILL_OWN_DAEMONS=1 exec unshare --mount --propagation private "$0" "$@"
fi
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_root
need virsh libvirtd virtlogd qemu-system-x86_64 curl debugfs sqlite3
port=$(free_port)
deb1=$(tiny_altered askom 1.0 "Ports: $port:80" "Watch: 0s" "Health: http:80/ deadline=120s interval=1s")
deb2=$(tiny_altered askom 2.0 "Ports: $port:80" "Watch: 0s" "Health: http:80/ deadline=120s interval=1s")
ALTER=$T/alter
mkdir -p "$ALTER/etc"
echo "::sysinit:/sbin/init-tiny" >"$ALTER/etc/inittab"
deb3=$(tiny_altered askom 3.0 "Ports: $port:80" "Watch: 0s" "Health: http:80/ deadline=15s interval=1s")

# start_daemon NAME: it replaces the one that was killed
start_daemon()
{
	"$1" </dev/null >>"$T/$1.log" 2>&1 &
	track_pid $!
	echo $! >"$T/$1.pid"
}

answers() { virsh -q -c qemu:///system uri; }

start_daemons()
{
	start_daemon virtlogd
	start_daemon libvirtd
	wait_for 30 "libvirtd answers" answers
}

kill_daemons()
{
	local name
	for name in libvirtd virtlogd; do
		kill -KILL "$(cat "$T/$name.pid")"
		wait "$(cat "$T/$name.pid")" 2>/dev/null || true
	done
}

own_world()
{
	local dir
	for dir in /run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
		mkdir -p "$dir" "$T/world$dir"
		cp -a "$dir/." "$T/world$dir/" 2>/dev/null || true
		mount --bind "$T/world$dir" "$dir"
	done
	rm -rf /run/libvirt/* /var/lib/libvirt/qemu/domain-* /var/lib/libvirt/qemu/*.sock
	mkdir -p "$T/world/etc"
	cp -a /etc/libvirt "$T/world/etc/"
	mount --bind "$T/world/etc/libvirt" /etc/libvirt
	rm -rf /etc/libvirt/qemu/*.xml /etc/libvirt/qemu/networks/*.xml /etc/libvirt/qemu/autostart/*
	rm -f /run/libvirtd.pid /run/virtlogd.pid
	start_daemons
}

own_world
make_site
echo "Stop-Timeout: 2s" >"$root/etc/waybill/appliance.conf"
dir=$root/var/lib/waybill/instances/askom
db=$root/var/lib/waybill/state.db

appliance()
{
	command appliance --root "$root" "$@"
}

install()
{
	root_dpkg "$root" -i "$1" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i $1"; }
}

# unpack DEB: preinst and unpack, and what postinst records; converge is the test's
unpack()
{
	appliance retain askom
	rm -rf "$root/var/lib/waybill/appliances"
	dpkg-deb -x "$1" "$root"
	appliance want askom
}

# kill_at STEP: run converge, and kill it when state.db says that it takes this step
kill_at()
{
	local pid step
	command appliance --root "$root" converge askom 2>>killed.err &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		step=$(sqlite3 -cmd ".timeout 1000" "$db" "SELECT step FROM instance" 2>/dev/null || true)
		if [ "$step" = "$1" ]; then
			kill -KILL $pid
			break
		fi
	done
	wait $pid 2>/dev/null || true
	[ "$step" = "$1" ] || fail "converge took no step $1"
	note "killed in step $1"
}

boots()
{
	page "$port" | sed -n 's/^data-boots: //p'
}

# right VERSION BOOTS
right()
{
	local left
	wait_for 180 "the page of $1" page_says "$port" "tiny $1"
	equal "$(boots)" "$2" "boots with the data disk"
	equal "$(of_root | wc -l)" 1 "domains"
	[ "$(pgrep -fc "guest=$(of_root),")" = 1 ] || fail "not one QEMU runs"
	left=$(find "$root/var/lib/waybill" -name '*.new' -o -name '.*.tmp-*')
	equal "$left" "" "files left over"
	equal "$(sqlite3 "$db" "SELECT coalesce(trial, 'none'), good_version FROM instance")" \
		"none|$1" "trial"
}

install "$deb1"
appliance converge askom
right 1.0 1

note "killed while the guest stops; the daemons too"
unpack "$deb2"
kill_at stop
kill_daemons
start_daemons
appliance converge askom
right 2.0 2

note "killed while its disks are moved"
unpack "$deb1"
kill_at snapshot
appliance converge askom
right 1.0 3

note "the daemons are killed under a version on trial, and converge as it gives it up"
unpack "$deb3"
appliance converge askom --start-only
kill_daemons
start_daemons
kill_at restore
kill_daemons
start_daemons
run_exit 0 appliance converge askom
right 1.0 4
[ ! -e "$dir/before" ] || fail "before/ is left"
appliance stop askom
for disk in "$dir"/*.qcow2; do
	qemu-img check -q "$disk" || fail "qemu-img check $disk"
done
appliance drop askom --purge
