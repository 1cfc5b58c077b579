#!/bin/bash
# No byte reaches a parser before its hash is right: what programs open and what pkgmgr
# hashes is written down in its order by tests/fault/order.c, while packages come whole, in
# pieces after cuts, and wrong.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
site_init
ORDER_SO=$(cd "$top_builddir/tests/fault" && pwd)/order.so
[ -e "$ORDER_SO" ] || skip "no order.so: built with sanitizers"
ARCHIVES=$ROOT/var/cache/waybill/archives
TRACE=$T/trace

watched()
{
	LD_PRELOAD=$ORDER_SO WAYBILL_ORDER_LOG=$TRACE WAYBILL_ORDER_DIR=$ARCHIVES "$@"
}

# check_order TRACE: each file that another program than pkgmgr opens has been hashed by pkgmgr since
# it was last open for writing, to the hash that its name says, twice: once when it was complete,
# once more right before. Prints how many programs opened one.
check_order()
{
	awk '
	function name(path) { sub(/.*\//, "", path); return path }
	$2 == "digest" { hashed[$3]++; next }
	$2 == "write" { hashed[substr(name($3), 1, 64)] = 0; next }
	$1 == "pkgmgr" { next }
	{
		sha256 = substr(name($3), 1, 64)
		if (name($3) != sha256 ".deb" || hashed[sha256] < 2) {
			print "opened by " $1 " before it was verified: " $3 >"/dev/stderr"
			wrong = 1
		}
		parsers++
	}
	END { print parsers + 0; exit wrong }' "$1"
}

note "a package that comes whole"
big_package whole 1 2
publish
assign "musthave: whole"
run_exit 0 watched pkgmgr sync --root "$ROOT"
is_installed whole 1
[ "$(check_order "$TRACE")" -ge 2 ] || fail "dpkg opened nothing: $(cat "$TRACE")"
grep -q '^dpkg-deb read ' "$TRACE" || fail "dpkg-deb is not in $(cat "$TRACE")"

note "this test would notice"
grep -v digest "$TRACE" >"$T/unhashed"
! check_order "$T/unhashed" >/dev/null 2>&1 || fail "a trace without hashes passes"
{ cat "$TRACE"; grep '\.part' "$TRACE" | head -n 1 | sed 's/pkgmgr write/dpkg-deb read/'; } >"$T/early"
! check_order "$T/early" >/dev/null 2>&1 || fail "a parser of a partial file passes"

note "one that comes in pieces, a byte of it flipped in between"
rm "$TRACE"
big_package pieces 1 4
publish
assign "musthave: pieces" "mayhave: *"
web_stop
web_start "limit_rate 2m;"
watched pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/err" &
SYNC=$!
wait_for 20 "a part" part_has 1000000
kill -TERM $SYNC
wait $SYNC || true
flip_bit "$(echo "$ARCHIVES"/*.part)" 5000
web_stop
web_start
run_exit 0 watched pkgmgr sync --root "$ROOT"
is_installed pieces 1
[ "$(check_order "$TRACE")" -ge 2 ] || fail "dpkg opened nothing"

note "wrong bytes: no parser sees any of them"
rm "$TRACE"
big_package wrong 1 1
publish
assign "musthave: wrong" "mayhave: *"
flip_bit "$T/public/pool/wrong_1_all.deb" 500000
run_exit 3 watched pkgmgr sync --root "$ROOT"
equal "$(check_order "$TRACE")" 0 "programs that opened a wrong file"
grep -q '^pkgmgr write ' "$TRACE" || fail "pkgmgr is not in $(cat "$TRACE")"
