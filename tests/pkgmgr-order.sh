#!/bin/bash
# No byte reaches a parser before its hash is right: what programs open and what pkgmgr
# hashes is written down in its order by tests/fault/order.c, while packages come whole, in
# pieces after cuts, and wrong. Deltas: pkgmgr-delta.sh, pkgmgr-delta-cuts.sh.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
site_init
. "$top_srcdir/tests/lib/order.sh"
[ -n "$ORDER_SO" ] || skip "no order.so: built with sanitizers"
ARCHIVES=$ROOT/var/cache/waybill/archives

# packages_opened: by how many programs
packages_opened()
{
	check_order "$TRACE" | cut -d' ' -f1
}

note "a package that comes whole"
big_package whole 1 2
publish
assign "musthave: whole"
run_exit 0 "${WATCH[@]}" pkgmgr sync --root "$ROOT"
is_installed whole 1
[ "$(packages_opened)" -ge 2 ] || fail "dpkg opened nothing: $(cat "$TRACE")"
grep -q '^dpkg-deb read ' "$TRACE" || fail "dpkg-deb is not in $(cat "$TRACE")"

note "this test would notice"
grep -v digest "$TRACE" >"$T/unhashed"
! check_order "$T/unhashed" >/dev/null 2>&1 || fail "a trace without hashes passes"
{ cat "$TRACE"; grep '\.part' "$TRACE" | head -n 1 | sed 's/pkgmgr write/dpkg-deb read/'; } >"$T/early"
! check_order "$T/early" >/dev/null 2>&1 || fail "a parser of a partial file passes"
sum=$(printf %064d 7)
hashed="pkgmgr digest $sum"
opened="pkgmgr read x/$sum.delta"
printf '%s\n' "$hashed" "$opened" "$opened" "$hashed" "$opened" >"$T/delta"
check_order "$T/delta" >/dev/null || fail "a delta that was hashed first does not pass"
printf '%s\n' "$opened" "pkgmgr digest $(printf %064d 8)" >"$T/delta"
! check_order "$T/delta" >/dev/null 2>&1 || fail "a parser of a delta passes"
printf '%s\n' "$hashed" "pkgmgr write x/$sum.part" "$opened" "$opened" "$hashed" >"$T/delta"
! check_order "$T/delta" >/dev/null 2>&1 || fail "a parser of a delta that is hashed later passes"

note "one that comes in pieces, a byte of it flipped in between"
rm "$TRACE"
big_package pieces 1 4
publish
assign "musthave: pieces" "mayhave: *"
web_stop
web_start "limit_rate 2m;"
"${WATCH[@]}" pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/err" &
SYNC=$!
wait_for 20 "a part" part_has 1000000
kill -TERM $SYNC
wait $SYNC || true
flip_bit "$(echo "$ARCHIVES"/*.part)" 5000
web_stop
web_start
run_exit 0 "${WATCH[@]}" pkgmgr sync --root "$ROOT"
is_installed pieces 1
[ "$(packages_opened)" -ge 2 ] || fail "dpkg opened nothing"

note "wrong bytes: no parser sees any of them"
rm "$TRACE"
big_package wrong 1 1
publish
assign "musthave: wrong" "mayhave: *"
flip_bit "$T/public/pool/wrong_1_all.deb" 500000
run_exit 3 "${WATCH[@]}" pkgmgr sync --root "$ROOT"
equal "$(packages_opened)" 0 "programs that opened a wrong file"
grep -q '^pkgmgr write ' "$TRACE" || fail "pkgmgr is not in $(cat "$TRACE")"
