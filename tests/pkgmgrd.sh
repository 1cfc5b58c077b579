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

note "only one, and nothing strange over the socket"
run_exit 1 pkgmgrd --root "$T/root" run
contains err "another pkgmgrd runs"
equal "$(printf 'rm -rf /\n' | socat -t5 - "UNIX:$T/root/run/waybill/pkgmgrd.sock")" \
	"unknown request" "answer to garbage"
head -c 100000 /dev/zero | socat -t5 - "UNIX:$T/root/run/waybill/pkgmgrd.sock" >/dev/null 2>&1 || true
status_has '"running":false' || fail "no answer after garbage"

note "its size: it links none of the heavy libraries"
rss=$(awk '$1 == "VmRSS:" { print $2 }' /proc/$daemon/status)
note "VmRSS of pkgmgrd idle: $rss kB"
[ "$rss" -lt 6144 ] || grep -q sanitized <<<"$top_builddir" || fail "VmRSS is $rss kB"

kill $daemon
wait $daemon || fail "pkgmgrd did not end well: $?"
[ ! -e root/run/waybill/pkgmgrd.sock ] || fail "the socket is left behind"
