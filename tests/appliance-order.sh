#!/bin/bash
# When an appliance runs: after others, again after a boot, for a limited time, and a kept
# version beside the installed one. On libvirt's test driver.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_test_driver
need qemu-img qemu-io sqlite3 busybox
make_site
db=$root/var/lib/waybill/state.db
n=o$$
web=$n-web database=$n-db

appliance()
{
	command appliance --root "$root" "$@"
}

# put NAME VERSION [CONF LINE...]
put()
{
	appliance retain "$1"
	put_package "$@"
	appliance want "$1"
}

note_of()
{
	sqlite3 "$db" "SELECT coalesce(note, '') FROM instance WHERE name = '$1'"
}

host_boots()
{
	local domain
	for domain in $(of_root); do
		virsh -q -c "$WAYBILL_LIBVIRT_URI" destroy "$domain" >/dev/null 2>&1 || true
	done
}

note "one that needs another waits until that is up and healthy, and says so"
port=$(free_port)
put "$web" 1.0 "Start-After: $database"
run_exit 1 appliance converge --all
contains err "not all could start"
equal "$(state_of "$web")" stopped "state"
equal "$(note_of "$web")" "waits: $database is not here" "note"
[ -e "$root/var/lib/waybill/watch-due" ] || fail "nobody would look again"
put "$database" 1.0 "Ports: $port:80" "$(printf 'Health:\n http:80/ deadline=60s interval=1s')" \
	"Watch: 0s"
run_exit 0 appliance converge --all --start-only
equal "$(state_of "$database") $(state_of "$web")" "running stopped" "states"
equal "$(note_of "$web")" "waits: $database is not healthy yet" "note"
mkdir www
echo up >www/index.html
{
	sleep 2
	exec busybox httpd -f -p "127.0.0.1:$port" -h "$T/www"
} &
track_pid $!
run_exit 0 appliance converge --all
equal "$(state_of "$database") $(state_of "$web")" "running running" "states"
equal "$(note_of "$web")" "" "note"

note "an upgrade does not wait again, though the other one is away"
appliance stop "$database"
put "$web" 1.1 "Start-After: $database"
run_exit 0 appliance converge "$web"
equal "$(state_of "$web")" running "state"
appliance start "$database"

note "the same order after the host booted; what does not start by itself stays off"
put "$n-manual" 1.0 "Autostart: no"
run_exit 0 appliance converge --all
equal "$(state_of "$n-manual")" running "started when it was installed"
host_boots
run_exit 0 appliance converge --all --boot
equal "$(state_of "$database") $(state_of "$web")" "running running" "states"
equal "$(state_of "$n-manual")" stopped "Autostart: no"
run_exit 0 appliance converge --all
equal "$(state_of "$n-manual")" stopped "Autostart: no, later"
run_exit 0 appliance start "$n-manual"
run_exit 0 appliance converge --all --boot
equal "$(state_of "$n-manual")" running "what runs is no business of boot"

note "the host goes down: all stop, what others start after last, and the next boot starts them"
run_exit 0 appliance halt
equal "$(grep -o 'instance-stop: .*' err | sed 's/.* //' | grep -e "$web" -e "$database" | paste -sd' ')" \
	"$web $database" "the order of stopping"
for name in "$web" "$database" "$n-manual"; do
	equal "$(state_of "$name")" stopped "$name"
	equal "$(sqlite3 "$db" "SELECT wanted_state, started_at FROM instance WHERE name = '$name'")" \
		"running|0" "what is recorded of $name"
done
run_exit 0 appliance halt
lacks err instance-stop
run_exit 0 appliance converge --all --boot
equal "$(state_of "$database") $(state_of "$web")" "running running" "states"
WAYBILL_LIBVIRT_URI="qemu+unix:///system?socket=/nonexistent" run_exit 1 appliance halt
contains err "nonexistent"

note "a circle is an error of those in it"
put "$n-a" 1.0 "Start-After: $n-b"
put "$n-b" 1.0 "Start-After: $n-a"
run_exit 1 appliance converge --all
contains err "Start-After goes in a circle: "
equal "$(virsh -q -c "$WAYBILL_LIBVIRT_URI" list --name | grep -c -e "$n-[ab]\$" || true)" 0 "running"
equal "$(state_of "$web")" running "what is not in it"
for name in "$n-a" "$n-b"; do
	appliance want "$name" --state removed
	appliance converge "$name"
	appliance drop "$name" --purge
done

note "a limited time"
put "$n-short" 1.0 "Time-Limit: 2s"
run_exit 0 appliance converge "$n-short"
equal "$(state_of "$n-short")" running "state"
equal "$(($(cat "$root/var/lib/waybill/watch-due") - $(date +%s) <= 2))" 1 "looked at in time"
sleep 2
run_exit 0 appliance converge --all
equal "$(state_of "$n-short")" stopped "after its time"
run_exit 0 appliance converge --all
equal "$(state_of "$n-short")" stopped "and it stays so"
run_exit 0 appliance start "$n-short"
equal "$(state_of "$n-short")" running "until it is started again"

note "a kept version beside the installed one"
put "$n-app" 1.0 "Data: 4M" "Ports: 8080:80"
run_exit 0 appliance converge "$n-app"
put "$n-app" 2.0 "Data: 4M" "Ports: 8080:80"
run_exit 0 appliance converge "$n-app"
old=$n-old
run_exit 0 appliance run "$n-app=1.0" --as "$old" --port 8081:80
contains out "$old runs $n-app 1.0, with ports 8081:80"
equal "$(state_of "$old") $(state_of "$n-app")" "running running" "states"
appliance show "$old" --json >show.json
contains show.json '"running_version":"1.0"'
contains show.json '"ports":"8081:80"'
[ -e "$root/var/lib/waybill/instances/$old/data.qcow2" ] || fail "no data disk of its own"
put "$n-app" 3.0 "Data: 4M" "Ports: 8080:80"
appliance want "$old"
run_exit 0 appliance converge --all
appliance gc >/dev/null
run_exit 0 appliance reset "$old"
equal "$(state_of "$old")" running "it does not follow, and its base stays"
appliance want "$n-app" --state removed
appliance converge "$n-app"
rm -r "$root/var/lib/waybill/appliances/$n-app"
appliance drop "$n-app" --purge
run_exit 0 appliance reset "$old"
equal "$(state_of "$old")" running "when the package has gone, too"
run_exit 0 appliance drop "$old" --purge
[ ! -e "$root/var/lib/waybill/instances/$old" ] || fail "files are left"

note "bad input"
# refused STATUS WORDS ARGUMENT...
refused()
{
	local status=$1 words=$2 before
	shift 2
	before=$(sqlite3 "$db" .dump | sha256sum)
	run_exit "$status" appliance run "$@"
	contains err "$words"
	equal "$(sqlite3 "$db" .dump | sha256sum)" "$before" "state.db after run $*"
}
refused 2 "APPLIANCE=VERSION" "$web" --as xx
refused 2 "APPLIANCE=VERSION" "$web=" --as xx
refused 2 "--as" "$web=1.0"
refused 2 "not the name" "../x=1.0" --as xx
refused 2 "not the name" "$web=1.0" --as "../x"
refused 2 "package itself" "$web=1.0" --as "$web"
refused 3 "already" "$web=1.0" --as "$database"
refused 1 "not kept here; these are: 1.0" "$web=9" --as xx
refused 2 "Ports" "$web=1.0" --as xx --port 80
refused 2 "Ports" "$web=1.0" --as xx --port "80:80,hostfwd=tcp::1-:2"
