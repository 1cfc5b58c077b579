#!/bin/bash
# converge is killed five times at a random moment of an install, an upgrade and a reset of a
# real guest; one plain converge each time, and the one domain runs the right version.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_libvirt
need qemu-img curl debugfs
make_site
echo "Stop-Timeout: 1s" >"$root/etc/waybill/appliance.conf"
port=$(free_port)

# unpack DEB: as dpkg leaves it before postinst
unpack()
{
	rm -rf "$root/var/lib/waybill/appliances"
	dpkg-deb -x "$1" "$root"
}

appliance()
{
	command appliance --root "$root" "$@"
}

# killed_converge: start converge, kill it some time within the first 1.5 s
killed_converge()
{
	local pid pause
	pause=$(printf '%d.%03d' $((RANDOM % 2)) $((RANDOM % 500)))
	command appliance --root "$root" converge tiny 2>killed.err &
	pid=$!
	sleep "$pause"
	kill -KILL $pid 2>/dev/null || note "(it was faster)"
	wait $pid 2>/dev/null || true
	note "killed after $pause s, in step: $(appliance list --json |
		sed -n 's/.*"step":\(.*\),/\1/p')"
}

# right VERSION
right()
{
	equal "$(of_root | wc -l)" 1 "domains"
	equal "$(state_of tiny)" running "state"
	wait_for 180 "page of $1" page_says "$port" "tiny $1"
	[ "$(pgrep -fc "guest=$(of_root),")" = 1 ] || fail "not one QEMU runs"
}

deb1=$(tiny_altered tiny 1.0 "Ports: $port:80")
deb2=$(tiny_altered tiny 2.0 "Ports: $port:80")
versions=(1.0 2.0 1.0 2.0)
debs=("$deb1" "$deb2" "$deb1" "$deb2")
for i in 0 1 2 3; do
	note "to ${versions[i]}"
	unpack "${debs[i]}"
	appliance want tiny
	killed_converge
	appliance converge tiny
	right "${versions[i]}"
done
note "a reset"
sqlite3 "$root/var/lib/waybill/state.db" "UPDATE instance SET actual_version = NULL"
killed_converge
appliance converge tiny
right 2.0
page_says "$port" "system-boots: 1" || fail "not reset: $(page "$port")"
appliance stop tiny
for disk in "$root"/var/lib/waybill/instances/tiny/*.qcow2; do
	qemu-img check -q "$disk" || fail "qemu-img check $disk"
done
