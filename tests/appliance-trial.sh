#!/bin/bash
# An upgrade is a transaction, on libvirt's test driver: nothing runs in its domains, so a
# web server of ours answers the checks on the port that Ports would forward.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_test_driver
need qemu-img qemu-io sqlite3 busybox
make_site
name=trial$$
dir=$root/var/lib/waybill/instances/$name
db=$root/var/lib/waybill/state.db
due=$root/var/lib/waybill/watch-due
port=$(free_port)

appliance()
{
	command appliance --root "$root" "$@"
}

# column COLUMN: of the instance's row
column()
{
	sqlite3 "$db" "SELECT coalesce($1, 'NULL') FROM instance WHERE name = '$name'"
}

serve()
{
	mkdir -p "$T/web"
	echo well >"$T/web/index.html"
	busybox httpd -f -p "127.0.0.1:$port" -h "$T/web" &
	web=$!
	track_pid $web
	wait_for 5 "the web server" listens "$port"
}

# put VERSION [CONF LINE...]: as dpkg's preinst, unpack and postinst would
put()
{
	local version=$1
	shift
	appliance retain "$name"
	put_package "$name" "$version" "Data: 4M" "Ports: $port:80" "$@"
	appliance want "$name"
}

# checked DEADLINE WATCH: the conf lines
checked()
{
	printf 'Health: http:80/ deadline=%s interval=1s\nWatch: %s\n' "$1" "$2"
}

# put_checked VERSION DEADLINE WATCH
put_checked()
{
	local lines
	mapfile -t lines < <(checked "$2" "$3")
	put "$1" "${lines[@]}"
}

# is VERSION TRIAL: what runs, with one domain
is()
{
	equal "$(column actual_version)" "$1" "version"
	equal "$(column trial)" "$2" "trial"
	equal "$(column step)" NULL "step at rest"
	equal "$(of_root | wc -l)" 1 "domains"
	equal "$(state_of "$name")" running "state"
}

# A guest of these tests writes its data from outside, between two starts.
write_data()
{
	appliance stop "$name" 2>/dev/null
	qemu-io -c "write -P $1 64k 64k" "$dir/data.qcow2" >/dev/null
	appliance start "$name" 2>/dev/null
}

data_is()
{
	qemu-io -r -U -c "read -P $1 64k 64k" "$dir/data.qcow2" | grep -q 'read 65536' ||
		fail "the data is not $1"
	if qemu-io -r -U -c "read -P $1 64k 64k" "$dir/data.qcow2" | grep -q 'failed'; then
		fail "the data is not $1"
	fi
}

reason()
{
	sqlite3 "$db" "SELECT reason FROM bad_version WHERE appliance = '$name' AND version = '$1'"
}

note "a first version that is not well stays, since there is no other, and converge says so"
put_checked 1.0 2s 0s
run_exit 1 appliance converge "$name"
contains err "is not healthy: http:80/"
contains err "no earlier version"
is 1.0 gate
[ -e "$due" ] || fail "nobody would look again"
serve
run_exit 0 appliance converge "$name"
is 1.0 NULL
equal "$(column good_version)" 1.0 "good version"
[ ! -e "$due" ] || fail "watch-due stays"

note "a good upgrade commits at once, is watched, and settles"
write_data 7
put_checked 2.0 5s 2s
run_exit 0 appliance converge "$name"
is 2.0 watch
[ -e "$dir/before/data.qcow2" ] || fail "nothing is kept for a way back"
equal "$(($(cat "$due") - $(date +%s) <= 2))" 1 "the next look is due soon"
sleep 2
run_exit 0 appliance converge --all
is 2.0 NULL
data_is 7
appliance stop "$name"
[ ! -e "$dir/before" ] || fail "before/ stays"
appliance start "$name"
data_is 7

note "a version that does not come up is reverted, with its data as it was"
kill "$web"
put_checked 3.0 3s 5m
appliance converge "$name" --start-only
is 3.0 gate
qemu-io -c "write -P 9 64k 64k" "$dir/data.qcow2" >/dev/null
run_exit 3 appliance converge "$name"
contains err "3.0 was reverted, and 2.0 runs again: http:80/"
is 2.0 NULL
data_is 7
[ ! -e "$dir/before" ] || fail "before/ stays after a revert"
reason 3.0 | grep -q "http:80/.*after its start" || fail "reason: $(reason 3.0)"

note "it is not tried again; forgive and a newer version are"
serve
appliance want "$name" 2>err
contains err "was reverted here"
run_exit 0 appliance converge "$name"
is 2.0 NULL
equal "$(column wanted_version)" 2.0 "wanted"
appliance forgive "$name" >out
contains out "3.0 is tried again"
is 3.0 gate
run_exit 0 appliance converge "$name"
is 3.0 watch
run_exit 0 appliance forgive "$name"
contains out "no version"

note "one that was well and then is not, goes back; three rounds in a row count"
kill "$web"
sleep 3
run_exit 0 appliance converge "$name"
is 3.0 watch
run_exit 0 appliance converge "$name"
run_exit 3 appliance converge "$name"
contains err "after it had become healthy"
is 2.0 NULL
data_is 7

note "a newer version while one is on trial: the sick one goes first"
serve
put_checked 4.0 60s 5m
appliance converge "$name" --start-only
qemu-io -c "write -P 9 64k 64k" "$dir/data.qcow2" >/dev/null
is 4.0 gate
put_checked 5.0 5s 0s
run_exit 0 appliance converge "$name"
is 5.0 NULL
data_is 7

note "the guest switches itself off while on trial"
put_checked 6.0 60s 5m
appliance converge "$name" --start-only
virsh -q -c "$WAYBILL_LIBVIRT_URI" shutdown "$(of_root)" >/dev/null
run_exit 3 appliance converge "$name"
contains err "switched itself off"
is 5.0 NULL

note "by hand: from a watch with the data as it was, later with the data as it is"
put_checked 7.0 5s 5m
run_exit 0 appliance converge "$name"
is 7.0 watch
appliance rollback "$name" >out
contains out "goes back from 7.0 to 5.0, with its data as it was before"
run_exit 0 appliance converge "$name"
is 5.0 NULL
data_is 7
put_checked 8.0 5s 0s
run_exit 0 appliance converge "$name"
is 8.0 NULL
write_data 8
appliance rollback "$name" >out
contains out "with its data as it is"
run_exit 0 appliance converge "$name"
is 5.0 NULL
data_is 8
appliance want "$name" 2>err
contains err "rolled back by hand"
run_exit 1 appliance rollback "$name" --to 99
contains err "is not kept here"

note "removal in the middle of a trial keeps the data"
put_checked 9.0 60s 5m
appliance converge "$name" --start-only
is 9.0 gate
appliance want "$name" --state removed
appliance converge "$name"
appliance drop "$name"
equal "$(ls "$dir")" data.qcow2 "what is left"
data_is 8

# --- parallel ------------------------------------------------------------------------

name=beside$$
dir=$root/var/lib/waybill/instances/$name

# put_beside VERSION [CONF LINE...]
put_beside()
{
	local version=$1
	shift
	appliance retain "$name"
	put_package "$name" "$version" "Network: none" "Upgrade: parallel" "$@"
	appliance want "$name"
}

# units: the directories of the instance
units()
{
	(cd "$root/var/lib/waybill/instances" && echo "$name"*)
}

note "parallel: the new one comes up beside the old one, which then goes"
put_beside 1.0
run_exit 0 appliance converge "$name"
is 1.0 NULL
put_beside 2.0 "Watch: 2s"
run_exit 0 appliance converge "$name"
equal "$(column unit)" "$name@b" "unit"
equal "$(column trial)" watch "trial"
equal "$(of_root | wc -l)" 2 "domains: the old one is kept for the watch"
equal "$(virsh -q -c "$WAYBILL_LIBVIRT_URI" list --name | grep -c "$name")" 1 "running"
sleep 2
run_exit 0 appliance converge "$name"
is 2.0 NULL
equal "$(units)" "$name@b" "directories"
equal "$(appliance show "$name" --json | sed -n 's/ *"domain":"\(.*\)".*/\1/p')" "$(of_root)" domain

note "and goes itself if it is not well, while the old one never stopped"
put_beside 3.0 "Health: agent deadline=1s"
appliance converge "$name" --start-only
equal "$(column unit) $(column trial)" "$name gate" "unit and trial"
equal "$(virsh -q -c "$WAYBILL_LIBVIRT_URI" list --name | grep -c "$name")" 2 "running"
sleep 1
run_exit 3 appliance converge "$name"
contains err "3.0 was reverted, and 2.0 runs again: agent"
is 2.0 NULL
equal "$(units)" "$name@b" "directories"
lacks err "instance-start"

note "removal in the middle of it leaves no domain"
put_beside 4.0 "Health: agent deadline=60s"
appliance converge "$name" --start-only
equal "$(of_root | wc -l)" 2 "domains"
appliance want "$name" --state removed
appliance converge "$name"
appliance drop "$name" --purge
equal "$(of_root)" "" "domains"
