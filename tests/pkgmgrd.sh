#!/bin/bash
# pkgmgrd: syncs at start, when asked and after failures; stays small; one a root.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"

# Only the scheduler is under test: `pkgmgr` is replaced to inject its exit codes.
mkdir -p bin root/var/lib/waybill
cat >bin/pkgmgr <<'SYNC'
#!/bin/sh
echo "$*" >>"$SYNC_LOG"
while [ -e "$SYNC_HOLD" ]; do sleep 0.1; done
exit "$(cat "$SYNC_EXIT")"
SYNC
chmod +x bin/pkgmgr
export PATH=$T/bin:$PATH SYNC_LOG=$T/syncs SYNC_EXIT=$T/exit SYNC_HOLD=$T/hold
export CONVERGE_DUE=$T/root/var/lib/waybill/watch-due
: >syncs
echo 0 >exit

# schedule_offset("site-N", 60) is small for some N: search for one that starts soon.
site_that_starts_soon()
{
	local n offset
	for n in $(seq 1000); do
		offset=$((0x$(printf 'waybill-splay site-%d' "$n" | sha256sum | cut -c1-15)))
		# The low nibble that shell arithmetic cannot hold is added in two steps.
		offset=$(((offset % 60 * 16 + 0x$(printf 'waybill-splay site-%d' "$n" |
			sha256sum | cut -c16)) % 60))
		if [ "$offset" -le 1 ]; then
			echo "site-$n"
			return
		fi
	done
}
# The nightly run is half a day away, whenever this test runs.
printf 'Site: %s\nSync-At: %s\nSplay: 45m\n' "$(site_that_starts_soon)" "$(date -d '12 hours' +%H:%M)" \
	>root/var/lib/waybill/schedule

run_exit 1 pkgmgrd --root "$T/root" status
contains err "is it running"

pkgmgrd --root "$T/root" run 2>daemon.log &
daemon=$!
track_pid $daemon
synced() { [ "$(wc -l <syncs)" -ge "$1" ]; }
status_has() { pkgmgrd --root "$T/root" status | grep -qF "$1"; }
wait_for 15 "the sync at start" synced 1
equal "$(head -1 syncs)" "--root $T/root sync" "what pkgmgrd runs"
wait_for 10 "its end is noticed" status_has '"running":false'
status_has '"failures":0,"last_exit":0' || fail "status: $(pkgmgrd --root "$T/root" status)"

note "asked while one runs"
: >hold
equal "$(pkgmgrd --root "$T/root" kick)" started "first kick"
equal "$(pkgmgrd --root "$T/root" kick)" running "second kick"
rm hold
wait_for 10 "the end" status_has '"running":false'

note "a failure is retried soon, a refusal later"
echo 1 >exit
pkgmgrd --root "$T/root" kick
wait_for 10 "the failure" status_has '"failures":1,"last_exit":1'
next=$(date -d "$(pkgmgrd --root "$T/root" status | sed 's/.*next_sync":"\([^"]*\).*/\1/')" +%s)
[ $((next - $(date +%s))) -le 75 ] || fail "the retry is not within 75 s"
echo 3 >exit
pkgmgrd --root "$T/root" kick
wait_for 10 "the refusal" status_has '"failures":2,"last_exit":3'
next=$(date -d "$(pkgmgrd --root "$T/root" status | sed 's/.*next_sync":"\([^"]*\).*/\1/')" +%s)
[ $((next - $(date +%s))) -ge 2000 ] || fail "a refusal is retried at once"

note "a token is shown in the place of a sync, soon again, and then comes a sync at once"
mkdir -p root/etc/waybill
: >root/etc/waybill/enrolment
for code in 1 3 0; do # as a unit of systemd exits 0 while the token stays
	echo $code >exit
	before=$(wc -l <syncs)
	pkgmgrd --root "$T/root" kick >/dev/null
	enrolled_again() { synced $((before + 1)) && status_has '"running":false'; }
	wait_for 10 "an enrolment" enrolled_again
	equal "$(tail -1 syncs)" "--root $T/root enroll" "what pkgmgrd runs"
	status_has '"enrolling":true' || fail "status: $(pkgmgrd --root "$T/root" status)"
	next=$(date -d "$(pkgmgrd --root "$T/root" status | sed 's/.*next_sync":"\([^"]*\).*/\1/')" +%s)
	[ $((next - $(date +%s))) -le 1200 ] || fail "an enrolment waits for hours after exit $code"
done
rm root/etc/waybill/enrolment
echo 0 >exit
before=$(wc -l <syncs)
pkgmgrd --root "$T/root" kick >/dev/null
wait_for 10 "the sync" synced $((before + 1))
equal "$(tail -1 syncs)" "--root $T/root sync" "what pkgmgrd runs without a token"
wait_for 10 "its end" status_has '"running":false'

note "only one, and nothing strange over the socket"
run_exit 1 pkgmgrd --root "$T/root" run
contains err "another pkgmgrd runs"
equal "$(printf 'rm -rf /\n' | socat -t5 - "UNIX:$T/root/run/waybill/pkgmgrd.sock")" \
	"unknown request" "answer to garbage"
head -c 100000 /dev/zero | socat -t5 - "UNIX:$T/root/run/waybill/pkgmgrd.sock" >/dev/null 2>&1 || true
status_has '"running":false' || fail "no answer after garbage"

note "a converge that is due is run, with a running sync beside it, and not twice"
cat >bin/appliance <<'CONVERGE'
#!/bin/sh
echo "$*" >>"$SYNC_LOG.converge"
[ "$(cat "$SYNC_LOG.converge-leaves")" = keep ] || rm -f "$CONVERGE_DUE"
while [ -e "$SYNC_HOLD.converge" ]; do sleep 0.1; done
exit "$(cat "$SYNC_EXIT.converge")"
CONVERGE
chmod +x bin/appliance
: >syncs.converge
echo 0 >exit.converge
echo gone >syncs.converge-leaves
converged() { [ "$(wc -l <syncs.converge)" -ge "$1" ]; }
due_in() { echo $(($(date +%s) + $1)) >due.new && mv due.new "$CONVERGE_DUE"; }
status_has '"converging":false,"next_converge":null' ||
	fail "status: $(pkgmgrd --root "$T/root" status)"
: >hold
pkgmgrd --root "$T/root" kick >/dev/null
: >hold.converge
due_in 2
wait_for 2 "the status says when" status_has '"next_converge":"20'
wait_for 8 "the converge that is due" converged 1
equal "$(head -1 syncs.converge)" "--quiet --root $T/root converge --all" "what pkgmgrd runs"
status_has '"running":true' || fail "the sync is gone"
status_has '"converging":true,"next_converge":' || fail "no converge in the status"
due_in 0
wait_for 3 "the new time is seen" status_has '"next_converge":"20'
equal "$(wc -l <syncs.converge)" 1 "converges while one runs"
rm hold hold.converge
wait_for 8 "the next one after it" converged 2
wait_for 5 "nothing is due" status_has '"converging":false,"next_converge":null'

note "a failed converge is not repeated at once, garbage starts none"
echo keep >syncs.converge-leaves
echo 1 >exit.converge
before=$(wc -l <syncs)
due_in 0
wait_for 5 "the converge that fails" converged 3
wait_for 5 "its end" status_has '"converging":false'
contains daemon.log "converge-ended: exit 1"
wait_for 5 "a sync that reports it" synced $((before + 1))
wait_for 5 "its end" status_has '"running":false'
echo soon >due.new && mv due.new "$CONVERGE_DUE"
wait_for 5 "garbage is seen" grep -q "watch-due.*next converge writes it anew" daemon.log
status_has '"next_converge":null' || fail "garbage is a time: $(pkgmgrd --root "$T/root" status)"
equal "$(wc -l <syncs.converge)" 3 "converges after a failure and garbage"
equal "$(wc -l <syncs)" $((before + 1)) "syncs after one failed converge"

note "its size: it links none of the heavy libraries"
rss=$(awk '$1 == "VmRSS:" { print $2 }' /proc/$daemon/status)
note "VmRSS of pkgmgrd idle: $rss kB"
[ "$rss" -lt 6144 ] || grep -q sanitized <<<"$top_builddir" || fail "VmRSS is $rss kB"

kill $daemon
wait $daemon || fail "pkgmgrd did not end well: $?"
[ ! -e root/run/waybill/pkgmgrd.sock ] || fail "the socket is left behind"

note "a restarted pkgmgrd runs what fell due meanwhile"
echo 0 >exit.converge
echo gone >syncs.converge-leaves
due_in -100
pkgmgrd --root "$T/root" run 2>daemon.log &
daemon=$!
track_pid $daemon
wait_for 5 "the overdue converge" converged 4
kill $daemon
wait $daemon || fail "pkgmgrd did not end well: $?"

note "cron runs a converge that is due where neither systemd nor pkgmgrd does"
sed -n '/watch-due/s/^\* \* \* \* \*  root //p' "$top_srcdir/debian/waybill-site.waybill.cron.d" |
	sed "s|/run/systemd/system|$T/systemd|; s|/var/lib/waybill|$T/root/var/lib/waybill|g; s|\\\\%|%|g" \
	>minute
[ -s minute ] || fail "no minutely line in cron.d/waybill"
printf '#!/bin/sh\n[ "$*" = status ] && [ -e "%s" ]\n' "$T/pkgmgrd-runs" >bin/pkgmgrd
chmod +x bin/pkgmgrd
cron_runs() { equal "$(sh minute && wc -l <syncs.converge)" "$1" "converges by cron: $2"; }
cron_runs 4 "nothing is due"
due_in 100
cron_runs 4 "not due yet"
due_in -100
: >pkgmgrd-runs
cron_runs 4 "pkgmgrd does it"
rm pkgmgrd-runs
mkdir systemd
cron_runs 4 "systemd is there"
rmdir systemd
cron_runs 5 "due"
equal "$(tail -1 syncs.converge)" "--quiet converge --all" "what cron runs"

note "cron runs the server for neighbours where neither does, once"
sed -n '/serve/s/^\* \* \* \* \*  root //p' "$top_srcdir/debian/waybill-site.waybill.cron.d" |
	sed "s|/run/systemd/system|$T/systemd|; s|/run/lock|$T|; s|/var/lib/waybill|$T/root/var/lib/waybill|
		s|/etc/waybill|$T/root/etc/waybill|" >minute
[ -s minute ] || fail "no line for the server in cron.d/waybill"
# served COUNT WHAT: servers that were started by now
served()
{
	sh minute || true
	equal "$(grep -c -- '--quiet serve --by-policy' syncs || true)" "$1" "servers by cron: $2"
}
echo 0 >exit
served 0 "no neighbours"
echo "Serve-To: 10.0.0.0/8" >>root/var/lib/waybill/schedule
: >pkgmgrd-runs
served 0 "pkgmgrd does it"
rm pkgmgrd-runs
mkdir systemd
served 0 "systemd is there"
rmdir systemd
: >hold
sh minute &
one=$!
track_pid $one
wait_for 10 "the server" grep -q -- '--quiet serve --by-policy' syncs
served 1 "it runs"
rm hold
wait $one || true
served 2 "it ended"

note "pkgmgrd runs it where there is no systemd, one at a time"
rm bin/pkgmgrd
: >syncs
: >hold
pkgmgrd --root "$T/root" run 2>daemon.log &
daemon=$!
track_pid $daemon
is_started() { grep -qxF -- "--root $T/root serve --by-policy" syncs; }
wait_for 10 "the server" is_started
pkgmgrd --root "$T/root" kick >/dev/null
pkgmgrd --root "$T/root" status >/dev/null
equal "$(grep -c by-policy syncs)" 1 "servers by pkgmgrd"
rm hold
kill $daemon
wait $daemon || fail "pkgmgrd did not end well: $?"
