#!/bin/bash
# Fetching packages: a cut connection is resumed, wrong bytes are refused, a full disk
# is noticed before the first byte, and nothing half-done is ever installed.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
site_init
ARCHIVES=$ROOT/var/cache/waybill/archives

big_package big 1 8
publish
assign "musthave: big"

note "the server goes away in the middle"
web_stop
web_start "limit_rate 1m;"
pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/err" &
wait_for 20 "a part of the package" part_has 1500000
web_stop KILL
status=0
wait %% || status=$?
equal $status 1 "exit of a sync whose server went away"
contains "$T/err" "fetch big 1"
is_installed big ""
there=$(part_bytes)
[ "$there" -ge 1500000 ] || fail "the partial file is gone"

note "the sync is killed in the middle"
web_start "limit_rate 1m;"
pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/err" &
SYNC_PID=$!
wait_for 20 "more of the package" part_has $((there + 1500000))
kill -KILL $SYNC_PID
wait $SYNC_PID 2>/dev/null || true
there=$(part_bytes)
web_stop

# As a death in the middle of writing the state leaves it.
touch "$ARCHIVES/.$(basename "$(echo "$ARCHIVES"/*.part)").state.tmp-1-2"
proven=$(proven_bytes)
[ "$proven" -ge 1500000 ] || fail "of $there bytes only $proven are vouched for"
note "resumed: $there bytes are there already, $proven of them vouched for"
: >"$T/web/access.log"
web_start
sync_site
is_installed big 1
contains "$T/web/access.log" '" 206 '
sent=$(awk '/ 206 / { print $10 }' "$T/web/access.log")
# Up to 64 KiB are compared where no validator was written down before the death.
size=$(stat -c %s "$T/public/pool/big_1_all.deb")
[ "$sent" -ge $((size - there)) ] && [ "$sent" -le $((size - proven + 65536)) ] ||
	fail "$sent bytes were sent again; $size in all, $proven were there"
equal "$(find "$ARCHIVES" -type f | wc -l)" 0 "files left in the cache"

note "a partial file with wrong bytes is fetched again"
big_package other 1 2
publish
assign "musthave: big" "musthave: other"
OTHER=$(sha256sum "$T"/public/pool/other_1_all.deb | cut -d' ' -f1)
head -c 100000 /dev/urandom >"$ARCHIVES/$OTHER.part"
sync_site
is_installed other 1

note "a complete file with wrong bytes is not believed"
big_package third 1 1
publish
assign "musthave: third" "mayhave: *"
THIRD=$(sha256sum "$T"/public/pool/third_1_all.deb | cut -d' ' -f1)
head -c "$(stat -c %s "$T/public/pool/third_1_all.deb")" /dev/urandom >"$ARCHIVES/$THIRD.deb"
sync_site
is_installed third 1

note "other bytes of the same size: refused"
big_package fourth 1 1
publish
assign "musthave: fourth" "mayhave: *"
cp "$T/public/pool/fourth_1_all.deb" "$T/fourth.deb"
flip_bit "$T/public/pool/fourth_1_all.deb" 500000
run_exit 3 pkgmgr sync --root "$ROOT"
contains "$T/err" "not those that the repository signed"
is_installed fourth ""
equal "$(part_bytes)" 0 "bytes of the wrong file"

note "more bytes than signed: not one of them is kept"
{ cat "$T/fourth.deb"; head -c 3M /dev/zero; } >"$T/public/pool/fourth_1_all.deb"
run_exit 1 pkgmgr sync --root "$ROOT"
contains "$T/err" "more than the signed"
is_installed fourth ""
rm -f "$ARCHIVES"/*.part

note "fewer bytes than signed"
head -c 200000 "$T/fourth.deb" >"$T/public/pool/fourth_1_all.deb"
run_exit 1 pkgmgr sync --root "$ROOT"
contains "$T/err" "are signed"
is_installed fourth ""

note "no such file"
rm "$T/public/pool/fourth_1_all.deb"
run_exit 1 pkgmgr sync --root "$ROOT"
contains "$T/err" "the server answers 404"

note "a server without ranges"
cp "$T/fourth.deb" "$T/public/pool/fourth_1_all.deb"
web_stop
web_start "max_ranges 0;"
sync_site
is_installed fourth 1
web_stop
web_start

note "a second server has it"
add_package fifth 1
mkdir -p "$T/second"
publish
cp -r "$T/public/." "$T/second/"
rm "$T/public/pool/fifth_"*.deb
sed "s|^URIs: .*|URIs: http://127.0.0.1:$WEB_PORT/ file:$T/second/|" -i \
	"$ROOT/etc/apt/sources.list.d/waybill.sources"
assign "musthave: fifth" "mayhave: *"
sync_site
is_installed fifth 1
# A directory would be the fastest of all from now on.
sed "s|^URIs: .*|URIs: http://127.0.0.1:$WEB_PORT/|" -i "$ROOT/etc/apt/sources.list.d/waybill.sources"

note "the disk is full before it begins"
mkdir -p "$T/tmpfs"
mount -t tmpfs -o size=6m waybill-test "$ROOT/var/cache/waybill" || skip "cannot mount a tmpfs"
at_exit "umount '$ROOT/var/cache/waybill' 2>/dev/null"
big_package sixth 1 8
publish
cp -r "$T/public/." "$T/second/"
assign "musthave: sixth" "mayhave: *"
: >"$T/web/access.log"
run_exit 1 pkgmgr sync --root "$ROOT"
contains "$T/err" "nothing was fetched"
lacks "$T/web/access.log" "sixth"
is_installed sixth ""

note "the disk fills up in the middle"
mount -o remount,size=12m "$ROOT/var/cache/waybill"
web_stop
web_start "limit_rate 2m;"
pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/err" &
wait_for 20 "a part of the package" part_has 1000000
dd if=/dev/zero of="$ROOT/var/cache/waybill/ballast" bs=1M count=12 status=none 2>/dev/null || true
status=0
wait %% || status=$?
equal $status 1 "exit of a sync without space"
contains "$T/err" "No space left"
is_installed sixth ""
rm "$ROOT/var/cache/waybill/ballast"
sync_site
is_installed sixth 1
