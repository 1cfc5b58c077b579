#!/bin/bash
# A sync with nothing to do is cheap. The bytes are counted in a network namespace of
# its own, where nobody else talks: those that come from sshd and nginx, headers
# included, and all that lo saw. The time is printed, not judged.
if [ -z "${WAYBILL_NETNS:-}" ] && [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
	WAYBILL_NETNS=1 exec unshare -n -- "$0"
fi
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
need_root
need ip iptables
[ -n "${WAYBILL_NETNS:-}" ] || skip "no network namespace of our own"
ip link set lo up
site_init

lo_bytes()
{
	sed -n 's/^ *lo: *\([0-9]*\).*/\1/p' /proc/net/dev
}

# received: bytes of packets from the servers
received()
{
	iptables -nvxL INPUT | awk '/spt:/ { sum += $2 } END { print sum }'
}
iptables -A INPUT -p tcp --sport "$WEB_PORT"
iptables -A INPUT -p tcp --sport "$SSHD_PORT"

add_package askom 1.0
publish
assign "musthave: askom"
sync_site

before=$(lo_bytes)
received_before=$(received)
started=$(date +%s%N)
sync_site
took_ms=$((($(date +%s%N) - started) / 1000000))
bytes=$(($(received) - received_before))
contains "$T/out" "nothing to do"
note "no-op sync: $took_ms ms, $bytes bytes received, $(($(lo_bytes) - before)) in both directions"
[ "$bytes" -lt 20000 ] || fail "a sync with nothing to do received $bytes bytes"
