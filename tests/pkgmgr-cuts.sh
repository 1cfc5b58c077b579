#!/bin/bash
# Whatever cuts a fetch, the next sync ends with the right package, and no byte that was
# vouched for is fetched again, but for one block. A dozen random cuts; WAYBILL_CUTS=200 for
# more (make check-cuts), WAYBILL_SEED to see the same ones again.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
site_init
CUTS=${WAYBILL_CUTS:-12}
SEED=${WAYBILL_SEED:-$$}
RANDOM=$SEED
MIB=4
BLOCK=262144
CACHE=$ROOT/var/cache/waybill
ARCHIVES=$CACHE/archives
KINDS=(closed killed stopped flipped truncated replaced full)
note "$CUTS cuts, WAYBILL_SEED=$SEED"
assign "musthave: big"

# random LOW HIGH
random()
{
	echo $(($1 + (RANDOM * 32768 + RANDOM) % ($2 - $1)))
}

slow()
{
	web_stop KILL
	web_start "limit_rate 1500k; sendfile off;"
}

fast()
{
	web_stop
	: >"$T/web/ranges.log"
	web_start
}

# begin: a slow sync, until it has a random part of the package
begin()
{
	slow
	pkgmgr sync --root "$ROOT" >"$T/out1" 2>"$T/err1" &
	SYNC=$!
	wait_for 30 "a part of the package" part_has "$(random 20000 $((SIZE * 6 / 10)))"
}

# stop SIGNAL STATUS: end the sync that runs, which must exit so
stop()
{
	local status=0
	kill -"$1" "$SYNC"
	wait "$SYNC" 2>/dev/null || status=$?
	[ $status = "$2" ] || { cat "$T/err1" >&2; fail "exit $status, not $2, after SIG$1"; }
}

# proven_but AWK-CONDITION: bytes in blocks that i, len (its start and length) do not hit
proven_but()
{
	state_blocks | awk -v block=$BLOCK "{ i = \$1 * block; len = \$2 } !($1) { sum += len } END { print sum + 0 }"
}

# Each leaves PROVEN: the bytes that may not be fetched again.
cut_closed()
{
	begin
	web_stop KILL
	PROVEN=$(proven_bytes)
	: >"$T/web/ranges.log"
	web_start
	local status=0
	wait $SYNC || status=$?
	[ $status = 0 ] || { cat "$T/err1" >&2; fail "the sync did not go on by itself: $status"; }
}

cut_killed()
{
	begin
	stop KILL 137
	PROVEN=$(proven_bytes)
}

cut_stopped()
{
	begin
	stop TERM 1
	PROVEN=$(proven_bytes)
	equal "$(part_bytes)" "$PROVEN" "bytes vouched for after an orderly end"
}

cut_flipped()
{
	local at
	begin
	stop TERM 1
	at=$(random 0 "$(part_bytes)")
	flip_bit "$(echo "$ARCHIVES"/*.part)" "$at"
	PROVEN=$(proven_but "$at >= i && $at < i + len")
}

cut_truncated()
{
	local to
	begin
	stop TERM 1
	to=$(random 0 "$(part_bytes)")
	truncate -s "$to" "$ARCHIVES"/*.part
	PROVEN=$(proven_but "$to < i + len")
}

# Another file under its name, as long as the right one or not, for one sync; then the right
# one again, every second time with another date and so another ETag.
cut_replaced()
{
	local other=$SIZE want=3
	[ $((RANDOM % 3)) != 0 ] || { other=$(random 1 $((SIZE * 2))); want=1; }
	begin
	stop KILL 137
	PROVEN=$(proven_bytes)
	web_stop
	cp -p "$DEB" "$T/right.deb"
	head -c "$other" /dev/urandom >"$DEB"
	web_start
	run_exit $want pkgmgr sync --root "$ROOT"
	[ $want = 1 ] || contains "$T/err" "not those that the repository signed"
	equal "$(installed big)" "$BEFORE" "version after a sync from the wrong file"
	cp -p "$T/right.deb" "$DEB"
	[ $((RANDOM % 2)) = 0 ] || touch -d '1 hour ago' "$DEB"
}

cut_full()
{
	mkdir -p "$CACHE"
	mount -t tmpfs -o size=$((MIB + 2))m waybill-test "$CACHE"
	begin
	dd if=/dev/zero of="$CACHE/ballast" bs=64k count=999 status=none 2>/dev/null || true
	local status=0
	wait $SYNC || status=$?
	equal $status 1 "exit of a sync without space"
	contains "$T/err1" "No space left"
	rm "$CACHE/ballast"
	PROVEN=$(proven_bytes)
}
at_exit "umount '$CACHE' 2>/dev/null"

# check_sent: what the server sent after the cut
check_sent()
{
	SENT=$(awk -v name="/pool/$(basename "$DEB")" '$1 == name { sum += $3 } END { print sum + 0 }' \
		"$T/web/ranges.log")
	[ "$SENT" -le $((SIZE - PROVEN + BLOCK)) ] || {
		cat "$T/web/ranges.log" >&2
		fail "$1: $SENT bytes were sent after the cut, of $SIZE; $PROVEN were vouched for"
	}
	[ "$SENT" -gt 0 ] || fail "$1: the log has nothing, so it proves nothing"
}

SUM_AGAIN=0
for cut in $(seq "$CUTS"); do
	kind=${KINDS[$(((cut - 1) % ${#KINDS[@]}))]}
	BEFORE=$(installed big)
	rm -f "$T"/public/pool/*.deb
	big_package big "$cut" $MIB
	DEB=$T/public/pool/big_${cut}_all.deb
	SIZE=$(stat -c %s "$DEB")
	publish
	"cut_$kind"
	[ "$kind" = closed ] || fast
	sync_site
	is_installed big "$cut"
	cmp "$ROOT/usr/share/big/data" "$T/big-big/usr/share/big/data" || fail "$kind: other content"
	check_sent "$kind"
	[ "$kind" != full ] || umount "$CACHE"
	again=$((SENT + PROVEN - SIZE))
	SUM_AGAIN=$((SUM_AGAIN + (again > 0 ? again : 0)))
	note "$cut $kind: $PROVEN of $SIZE vouched for, $SENT sent, $again again"
done
note "begun from a wrong file, which the right one then replaces; there is no room for both"
mkdir -p "$CACHE"
mount -t tmpfs -o size=$((MIB + 1))m waybill-test "$CACHE"
rm -f "$T"/public/pool/*.deb
big_package big "$((CUTS + 1))" $MIB
DEB=$T/public/pool/big_$((CUTS + 1))_all.deb
SIZE=$(stat -c %s "$DEB")
publish
cp -p "$DEB" "$T/right.deb"
head -c "$SIZE" /dev/urandom >"$DEB"
begin
wait_for 30 "more than there is room for beside the right one" part_has 2000000
stop TERM 1
cp "$T/right.deb" "$DEB"
begin
stop KILL 137
fast
sync_site
contains "$T/err" "no room for two of it"
is_installed big "$((CUTS + 1))"

note "$CUTS cuts: $SUM_AGAIN bytes of what was vouched for were sent again, a block is $BLOCK"
