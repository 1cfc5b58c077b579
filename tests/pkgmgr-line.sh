#!/bin/bash
# A site behind a line of 10 Mbit/s: a package takes at most 1.15 times what its bytes take on
# that line, headers of TCP and the hashing and flushing of blocks included, whole and after a
# cut. The line is the loopback of a network namespace of our own, shaped by tc.
if [ -z "${WAYBILL_NETNS:-}" ] && [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
	WAYBILL_NETNS=1 exec unshare -n -- "$0"
fi
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
need_root
need ip tc
[ -n "${WAYBILL_NETNS:-}" ] || skip "no network namespace of our own"
ip link set lo up mtu 1500
MBIT=10
tc qdisc add dev lo root tbf rate ${MBIT}mbit burst 16kb latency 100ms || skip "no tbf in this kernel"
site_init

# check_rate BYTES: what the last fetch-done says against the ideal
check_rate()
{
	local seconds ideal
	seconds=$(sed -n 's/.*fetch-done: .* in \([0-9.]*\) s$/\1/p' "$T/err")
	ideal=$(awk -v bytes="$1" -v mbit=$MBIT 'BEGIN { print bytes * 8 / mbit / 1000000 }')
	note "$1 bytes in $seconds s, ideal $ideal s: $(awk -v a="$seconds" -v b="$ideal" \
		'BEGIN { printf "%.3f", a / b }') times"
	awk -v a="$seconds" -v b="$ideal" 'BEGIN { exit !(a >= b * 0.95) }' ||
		fail "faster than the line: it is not shaped, so this proves nothing"
	awk -v a="$seconds" -v b="$ideal" 'BEGIN { exit !(a <= b * 1.15) }' ||
		fail "$seconds s for what takes $ideal s"
}

note "all of it"
big_package big 1 8
publish
assign "musthave: big"
started=$(date +%s%N)
sync_site
is_installed big 1
note "the whole sync: $((($(date +%s%N) - started) / 1000000)) ms"
check_rate "$(stat -c %s "$T/public/pool/big_1_all.deb")"

note "the rest, after a death"
big_package big 2 8
publish
pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/err" &
SYNC=$!
wait_for 20 "a part" part_has 1000000
kill -KILL $SYNC
wait $SYNC 2>/dev/null || true
sync_site
is_installed big 2
received=$(sed -n 's/.*fetch-done: .* bytes, \([0-9]*\) of them received.*/\1/p' "$T/err")
[ "$received" -lt $(($(stat -c %s "$T/public/pool/big_2_all.deb") - 600000)) ] ||
	fail "$received bytes were received after the death"
check_rate "$received"
