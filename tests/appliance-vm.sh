#!/bin/bash
# Appliances installed by dpkg into a private root, in real QEMU: what a user sees of them,
# from the first page to a purge that leaves nothing.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_libvirt
need dpkg qemu-img curl debugfs file
make_site
port=$(free_port)
port2=$(free_port)
deb1=$(tiny_altered one 1.0 "Ports: $port:80" "Watch: 0s")
deb2=$(tiny_altered one 2.0 "Ports: $port:80" "Watch: 0s")
other=$(tiny_altered two 1.0 "Ports: $port2:80" "Graphics: vnc")
dir=$root/var/lib/waybill/instances/one

appliance()
{
	command appliance --root "$root" "$@"
}

# Root's and unwritable, whatever libvirt did with the disks on top.
bases_are_roots()
{
	local base
	for base in "$root"/var/lib/waybill/bases/*.qcow2; do
		equal "$(stat -c '%a %U:%G' "$base")" "444 root:root" "$base"
		equal "$(sha256sum <"$base" | cut -d' ' -f1)" "$(basename "$base" .qcow2)" "$base"
	done
}

disks_are_sound()
{
	local disk
	for disk in "$root"/var/lib/waybill/instances/*/*.qcow2; do
		qemu-img check -q "$disk" || fail "qemu-img check $disk"
	done
}

note "install: the page, the console, the screen"
printf 'GREETING: <b>hej</b> & "it'\''s" $(id)\n' >"$root/var/lib/waybill/params/one"
started=$(date +%s%N)
root_dpkg "$root" -i "$deb1" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
equal "$(state_of one)" running "state after dpkg"
note "dpkg -i to a running domain: $((($(date +%s%N) - started) / 1000000)) ms"
wait_for 120 "page of one" page_says "$port" "tiny 1.0"
note "to its page: $((($(date +%s%N) - started) / 1000000)) ms"
page_says "$port" "greeting: <b>hej</b> & \"it's\" \$(id)" || fail "$(page "$port")"
page_says "$port" "data-boots: 1" || fail "no data disk: $(page "$port")"
page "$port" | grep -q '^swap-kib: 1[0-9]*$' || fail "no swap: $(page "$port")"
bases_are_roots
equal "$(of_root | wc -l)" 1 "domains"
appliance console --log one >console.txt
contains console.txt "tiny 1.0 is ready"
appliance screenshot one -o screen.png
file screen.png | grep -q 'PNG image' || fail "$(file screen.png)"
appliance list >list.txt
contains list.txt "$port:80"
appliance show one >show.txt
contains show.txt "memory            96.0 MiB"

note "the console is attached to"
{
	sleep 1
	printf '\r'
	sleep 1
	printf 'echo is-$((6 * 7))\r'
	sleep 2
	printf '\035'
} | appliance console one >attached.txt
contains attached.txt is-42

note "pause, resume"
appliance pause one
equal "$(state_of one)" paused "state after pause"
page "$port" >/dev/null && fail "a paused guest answers"
appliance resume one
wait_for 30 "page after resume" page_says "$port" "system-boots: 1"

note "stop is polite, and everything is root's again"
appliance stop one 2>stop.err
lacks stop.err "switched off"
equal "$(state_of one)" stopped "state after stop"
equal "$(find "$dir" -name '*.qcow2' ! -user root)" "" "disks not given back"
bases_are_roots
disks_are_sound
appliance converge one
equal "$(state_of one)" stopped "converge respects a stop"
appliance start one
wait_for 120 "page after start" page_says "$port" "system-boots: 2"

note "reset: the system disk is new, the data is not"
appliance reset one
wait_for 120 "page after reset" page_says "$port" "system-boots: 1"
page_says "$port" "data-boots: 3" || fail "$(page "$port")"

note "a second one beside it"
root_dpkg "$root" -i "$other" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
wait_for 120 "page of two" page_says "$port2" "tiny 1.0"
page_says "$port" "tiny 1.0" || fail "the first one is disturbed"
equal "$(of_root | wc -l)" 2 "domains"
appliance show two >show.txt
contains show.txt "127.0.0.1:59"

note "upgrade replaces"
base1=$(sed -n 's/^Base-SHA256: //p' "$root/var/lib/waybill/appliances/one/appliance.conf")
root_dpkg "$root" -i "$deb2" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
wait_for 120 "page of 2.0" page_says "$port" "tiny 2.0"
page_says "$port" "data-boots: 4" || fail "$(page "$port")"
equal "$(of_root | wc -l)" 2 "domains"
[ -e "$root/var/lib/waybill/bases/$base1.qcow2" ] || fail "the old base was not retained"
bases_are_roots
appliance gc >/dev/null
[ -e "$root/var/lib/waybill/bases/$base1.qcow2" ] || fail "gc took the way back"
appliance converge one 2>/dev/null # it is healthy, so it stays
appliance gc --keep 1 >/dev/null
[ -e "$root/var/lib/waybill/bases/$base1.qcow2" ] || fail "gc --keep 1 took the old base"
appliance gc >gc.txt
[ ! -e "$root/var/lib/waybill/bases/$base1.qcow2" ] || fail "gc left the old base"
contains gc.txt "removed 1 base"

note "downgrade is the same"
root_dpkg "$root" -i "$deb1" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
wait_for 120 "page of 1.0 again" page_says "$port" "tiny 1.0"

note "remove stops it and keeps its data"
root_dpkg "$root" -r one >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -r"; }
equal "$(of_root | wc -l)" 1 "domains"
equal "$(ls "$dir")" data.qcow2 "what remove leaves"
qemu-img check -q "$dir/data.qcow2" || fail "qemu-img check of the data disk"
appliance list >list.txt
contains list.txt "one: removed; its data disk is kept"
root_dpkg "$root" -i "$deb1" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
wait_for 120 "page after reinstall" page_says "$port" "data-boots: 6"

note "purge leaves nothing"
root_dpkg "$root" -P one two >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -P"; }
equal "$(of_root)" "" "domains after purge"
equal "$(find "$root/var/lib/waybill" -type f ! -name state.db ! -name appliance.lock)" "" \
	"files after purge"
equal "$(find "$root" \( -name one -o -name two \) ! -path '*/dpkg/*')" "" "traces"
equal "$(appliance list --json | tr -d ' \n')" "[]" "list after purge"
