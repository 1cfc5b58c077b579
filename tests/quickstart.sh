#!/bin/bash
# ./quickstart does what README promises: a VM answers, a second run is quick, the host's
# dpkg database stays as it was, and `remove` leaves nothing.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need_libvirt
[ "$top_builddir" = "$top_srcdir/build" ] || skip "builds in $top_srcdir/build only"

export WAYBILL_QUICKSTART=$T/demo
at_exit "$top_srcdir/quickstart remove >/dev/null 2>&1"
dpkg_before=$(sha256sum </var/lib/dpkg/status)
domains_before=$(virsh -q -c qemu:///system list --all --name | sort)

"$top_srcdir/quickstart" | tee first.log >&2
contains first.log "A site's VM is running and healthy."
port=$(sed -n 's|.*page *http://127.0.0.1:\([0-9]*\)/.*|\1|p' first.log)
curl -fsS -m 10 "http://127.0.0.1:$port/" | grep -qi '<h1>' || fail "no page on port $port"
equal "$(head -c 8 demo/screenshot.png | od -An -tx1 | tr -d ' \n')" 89504e470d0a1a0a "PNG"
[ -s demo/console.log ] || fail "the console log is empty"
contains first.log "waybill-"

note "a second run"
start=$(date +%s)
"$top_srcdir/quickstart" >second.log
took=$(($(date +%s) - start))
contains second.log "A site's VM is running and healthy."
[ "$took" -le 60 ] || fail "the second run took $took s"

note "stop, go on, remove"
"$top_srcdir/quickstart" stop >stop.log
curl -fsS -m 5 "http://127.0.0.1:$port/" >/dev/null 2>&1 && fail "the page still answers"
"$top_srcdir/quickstart" remove >remove.log
[ ! -e demo ] || fail "remove left $(find demo | head)"
equal "$(sha256sum </var/lib/dpkg/status)" "$dpkg_before" "the host's dpkg status"
new=$(comm -13 <(echo "$domains_before") <(virsh -q -c qemu:///system list --all --name | sort) |
	grep -F "$(basename "$T")" || true)
equal "$new" "" "domains left behind"
