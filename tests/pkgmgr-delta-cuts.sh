#!/bin/bash
# Whatever cuts a site that upgrades by deltas, while one is fetched, between, while the package is
# rebuilt or unpacked: the next sync ends with the package that was published, nothing that was
# vouched for is fetched again, and nothing is parsed before it is verified. Some random cuts, by one
# delta and by a chain of two in turn; WAYBILL_CUTS=200 for more (make check-cuts), WAYBILL_SEED to
# see the same ones again.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
. "$top_srcdir/tests/lib/image.sh"
image_site_init
. "$top_srcdir/tests/lib/order.sh"
[ -n "$ORDER_SO" ] || skip "no order.so: built with sanitizers"
SEED=${WAYBILL_SEED:-$$}
RANDOM=$SEED
BLOCK=262144
DATA_BYTES=13500000	# at least that much is rebuilt
CACHE=$ROOT/var/cache/waybill
ARCHIVES=$CACHE/archives
POOL=$T/public/pool/main/a/askom
DISK=var/lib/waybill/appliances/askom/disk.qcow2
KINDS=(killed stopped flipped truncated proven full verified base removed output fetch_killed fetch_stopped
	fetch_closed replaced replaced_after proven_flipped unpack)
CUTS=${WAYBILL_CUTS:-${#KINDS[@]}}
note "$CUTS cuts, WAYBILL_SEED=$SEED"

# random LOW HIGH
random()
{
	echo $(($1 + (RANDOM * 32768 + RANDOM) % ($2 - $1)))
}

# --- three versions, and a site at each of the first two -----------------------------------

for version in 1.0 1.1 1.2; do
	imagerepo add "$(image $version 1500000 12000000)" >/dev/null
	[ $version != 1.2 ] || continue
	assign "musthave: askom"
	sync_site
	is_installed askom $version
	cp -a "$ROOT" "$T/at-$version"
done
assign "musthave: askom"
dpkg-deb --fsys-tarfile askom_1.2_*.deb | tar -xO ./$DISK >"$T/disk.published"
PACKAGE=$(basename "$POOL"/askom_1.2_*.deb)
cp -a "$POOL" "$T/pool.published"
cd "$T/pool.published"
FROM_1_1=(askom_1.1_1.2_*.delta)
FROM_1_0=(askom_1.0_1.1_*.delta "${FROM_1_1[@]}")
cd "$T"

# --- a cut -----------------------------------------------------------------------------------

# web RATE: a server that has what was published
web()
{
	web_stop
	rm -rf "$POOL"
	cp -a "$T/pool.published" "$POOL"
	web_start "limit_rate $1; sendfile off;"
}

# begin [NAME=VALUE...]: a sync under way, from $FROM
begin()
{
	setsid "${WATCH[@]}" "$@" pkgmgr sync --root "$ROOT" >"$T/out1" 2>"$T/err1" &
	SYNC=$!
	track_pid "$SYNC"
}

# begin_until FILE [BYTES]: it stands still before it writes to FILE, a pattern, beyond BYTES; without
# BYTES once a file has that name
begin_until()
{
	web 100m
	begin WAYBILL_STOP_FILE="$1" ${2:+WAYBILL_STOP_BYTES=$2}
	wait_for 60 "$kind: it stands still at $1" stands_still
}

stands_still()
{
	ps -o stat= -p "$SYNC" | grep -q ^T
}

# end SIGNAL STATUS: it must end so
end()
{
	local status=0
	kill -"$1" "$SYNC"
	kill -CONT "$SYNC" 2>/dev/null || true
	wait "$SYNC" 2>/dev/null || status=$?
	[ $status = "$2" ] || { cat "$T/err1" >&2; fail "$kind: exit $status, not $2, after SIG$1"; }
}

# in_rebuild: it stands still with a random part rebuilt
in_rebuild()
{
	local file=rebuilding
	[ "$FROM" = 1.1 ] || [ $((RANDOM % 2)) = 0 ] || file=between
	begin_until "*/.$file.deb*" "$(random 0 $DATA_BYTES)"
}

# in_fetch: it fetches, and has a random part of the last delta
in_fetch()
{
	web 800k
	begin
	[ "$FROM" = 1.1 ] || wait_for 30 "the first delta" delta_is_there askom_1.0_1.1
	wait_for 30 "a part of the delta" part_has "$(random 20000 1000000)"
}

delta_is_there()
{
	[ -e "$ARCHIVES/$(sum_of "$1").delta" ]
}

sum_of()
{
	sha256sum <"$(echo "$T/pool.published/$1"*)" | cut -d' ' -f1
}

# proven_of SHA256: how many bytes of that file are here, verified or vouched for by their block's hash
proven_of()
{
	local file index length sum
	for file in "$ARCHIVES/$1."{delta,deb,part}; do
		[ -e "$file" ] || continue
		if [ "$(sha256sum <"$file" | cut -d' ' -f1)" = "$1" ]; then
			stat -c %s "$file"
			return
		fi
		[ -e "$ARCHIVES/$1.part.state" ] || continue
		sed '1,/^Blocks:/d' "$ARCHIVES/$1.part.state" | while read -r index length sum; do
			perl -MDigest::SHA=sha256_hex -e 'my ($file, $at, $length, $sum) = @ARGV;
				open my $in, "<", $file or die;
				seek $in, $at, 0;
				read $in, my $bytes, $length;
				print "$length\n" if sha256_hex($bytes) eq $sum' \
				"$file" $((index * BLOCK)) "$length" "$sum"
		done | awk '{ sum += $1 } END { print sum + 0 }'
		return
	done
	echo 0
}

# all_proven: each delta was verified, so none may be asked for again
all_proven()
{
	local delta
	for delta in "${DELTAS[@]}"; do
		equal "$(proven_of "$(sum_of "$delta")")" "$(stat -c %s "$T/pool.published/$delta")" \
			"$kind: bytes of $delta that are here"
	done
}

# damage FILE: a byte of it flipped, or its end cut off
damage()
{
	if [ "$kind" = truncated ]; then
		truncate -s "$(random 0 "$(stat -c %s "$1")")" "$1"
	else
		flip_bit "$1" "$(random 0 "$(stat -c %s "$1")")"
	fi
	DAMAGED="$DAMAGED $(sha256sum <"$1" | cut -d' ' -f1)"
}

# random_of FILE...
random_of()
{
	shift $((RANDOM % $#))
	echo "$1"
}

cut_killed() { in_rebuild; end KILL 137; all_proven; }
cut_flipped() { cut_killed; damage "$(random_of "$ARCHIVES"/*.delta)"; }
cut_truncated() { cut_flipped; }

cut_stopped()
{
	in_rebuild
	end TERM 1
	all_proven
	contains "$T/err1" "stopped by signal"
	equal "$(find "$ARCHIVES" -name "*.deb*")" "" "$kind: what is left of rebuilding"
}

cut_verified()
{
	begin_until "*/$(sum_of "${DELTAS[-1]}").delta"
	end KILL 137
	all_proven
}

# What is half rebuilt is of no use, whatever is in it.
cut_output()
{
	local file
	cut_killed
	file=$(find "$ARCHIVES" -name "*.deb*" -size +0 | head -n 1)
	damage "$file"
	[ $((RANDOM % 2)) = 0 ] || mv "$file" "$ARCHIVES/rebuilding.deb"
}

# Rebuilt, proven, and not handed to dpkg yet: that is not done again.
cut_proven()
{
	begin_until '*/[0-9a-f]*.[0-9a-f]*.deb'
	end KILL 137
	all_proven
	BUILT=$(echo "$ARCHIVES"/*.*.deb)
}

cut_proven_flipped() { cut_proven; damage "$BUILT"; BUILT=; }

# The package's files change under dpkg's hands: those of before are no basis any more.
cut_unpack()
{
	web 100m
	begin
	wait_for 60 "dpkg's turn" grep -q commit-start "$T/err1"
	perl -e 'use Time::HiRes qw(usleep); usleep(rand($ARGV[0]) * 1000)' "$(random 1 600)"
	# shellcheck disable=SC2046 # all of its session
	kill -KILL $(ps -o pid= -s "$SYNC") 2>/dev/null || true
	wait "$SYNC" 2>/dev/null || true
}

cut_base()
{
	in_rebuild
	chmod u+w "$ROOT/$DISK"
	flip_bit "$ROOT/$DISK" "$(random 0 "$(stat -c %s "$ROOT/$DISK")")"
	end CONT 0
	WHOLE=perhaps
}

cut_removed()
{
	cut_killed
	rm "$ROOT/$DISK"
	WHOLE=yes
}

# What was rebuilt so far may leave room enough for the package itself.
cut_full()
{
	local status=0
	mkdir -p "$CACHE"
	mount -t tmpfs -o size=400m waybill-test "$CACHE"
	in_rebuild
	dd if=/dev/zero of="$CACHE/ballast" bs=64k status=none 2>/dev/null || true
	kill -CONT "$SYNC"
	wait "$SYNC" || status=$?
	contains "$T/err1" "No space left"
	rm "$CACHE/ballast"
	if [ $status = 0 ]; then
		WHOLE=perhaps
		return
	fi
	equal $status 1 "exit of a sync without space"
	all_proven
}
at_exit "umount '$CACHE' 2>/dev/null"

cut_fetch_killed() { in_fetch; end KILL 137; }

cut_fetch_stopped()
{
	in_fetch
	end TERM 1
	equal "$(part_bytes)" "$(proven_of "$(sum_of "${DELTAS[-1]}")")" "$kind: bytes vouched for after an orderly end"
}

cut_fetch_closed()
{
	in_fetch
	kill -STOP "$SYNC"
	web_stop KILL
	count_vouched
	web_start
	end CONT 0
}

# other_bytes DELTA: under its name at the server
other_bytes()
{
	local bytes
	bytes=$(stat -c %s "$POOL/$1")
	[ $((RANDOM % 3)) != 0 ] || bytes=$(random 1 $((2 * bytes)))
	noise "other $cut" "$bytes" >"$POOL/$1"
}

cut_replaced()
{
	in_fetch
	end KILL 137
	OTHER=${DELTAS[-1]}
	WHOLE=yes
}

cut_replaced_after() { cut_killed; OTHER=$(random_of "${DELTAS[@]}"); }

# --- what must be so afterwards ------------------------------------------------------------------

# count_vouched: from now on it counts what the server sends; $MAY lists "NAME BYTES" of what may be
count_vouched()
{
	local delta proven size
	MAY=
	PROVEN=0 SIZE=0
	for delta in "${DELTAS[@]}"; do
		proven=$(proven_of "$(sum_of "$delta")")
		size=$(stat -c %s "$T/pool.published/$delta")
		PROVEN=$((PROVEN + proven))
		SIZE=$((SIZE + size))
		MAY+="$delta $((proven < size ? size - proven + BLOCK : 0))
"
	done
	: >"$T/web/ranges.log"
}

# check_sent: no more of a delta than that, and nothing of the package where deltas do
check_sent()
{
	local name bytes sent deltas=0 again
	MAY+="$PACKAGE $([ $WHOLE = no ] && echo 0 || stat -c %s "$T/pool.published/$PACKAGE")
"
	SENT=0
	while read -r name bytes; do
		[ -n "$name" ] || continue
		sent=$(awk -v name="/$name" 'substr($1, length($1) - length(name) + 1) == name { sum += $3 }
			END { print sum + 0 }' "$T/web/ranges.log")
		SENT=$((SENT + sent))
		[ "$name" = "$PACKAGE" ] || deltas=$((deltas + sent))
		# Other bytes are asked for once, and prove that they are.
		[ "$name" != "$OTHER" ] || [ "$bytes" = 0 ] || continue
		[ "$sent" -le "$bytes" ] || {
			cat "$T/web/ranges.log" "$T/err" >&2
			fail "$kind: $sent bytes of $name were sent after the cut, where $bytes may be"
		}
	done <<<"$MAY"
	again=$((deltas + PROVEN - SIZE))
	[ -n "$OTHER" ] || SUM_AGAIN=$((SUM_AGAIN + (again > 0 ? again : 0)))
}

check_traces()
{
	local hash
	for hash in $DAMAGED; do
		echo "damaged $hash" >>"$T/damaged"
	done
	cat "$T/damaged" "$TRACE.1" | check_order /dev/stdin >/dev/null || fail "$kind: the order of the cut sync"
	[ ! -e "$TRACE" ] || cat "$T/damaged" "$TRACE" | check_order /dev/stdin >/dev/null ||
		fail "$kind: the order of the next sync"
}

SUM_AGAIN=0
for cut in $(seq "$CUTS"); do
	kind=${KINDS[$(((cut - 1) % ${#KINDS[@]}))]}
	# There is an odd number of kinds: each comes from the one and the other.
	FROM=1.$((cut % 2))
	DELTAS=("${FROM_1_1[@]}")
	[ "$FROM" = 1.1 ] || DELTAS=("${FROM_1_0[@]}")
	WHOLE=no MAY='' OTHER='' BUILT='' DAMAGED=''
	rm -rf "$ROOT" "$TRACE" "$TRACE.1" "$T/damaged"
	: >"$T/damaged"
	cp -a "$T/at-$FROM" "$ROOT"
	"cut_$kind"
	[ ! -e "$TRACE" ] || mv "$TRACE" "$TRACE.1"
	if [ -z "$MAY" ]; then
		web 100m
		count_vouched
		[ -z "$OTHER" ] || other_bytes "$OTHER"
		run_exit 0 "${WATCH[@]}" pkgmgr sync --root "$ROOT"
		[ -z "$BUILT" ] || lacks "$TRACE" rebuilding
	fi
	is_installed askom 1.2
	cmp "$ROOT/$DISK" "$T/disk.published" || fail "$kind: another disk than was published"
	equal "$(find "$ARCHIVES" -type f)" "" "$kind: what is left in the cache"
	check_sent
	check_traces
	[ "$kind" != full ] || umount "$CACHE"
	note "$cut $kind from $FROM: $PROVEN of $SIZE vouched for, $SENT sent"
done
note "$CUTS cuts: $SUM_AGAIN bytes of deltas that were vouched for were sent again, a block is $BLOCK"
