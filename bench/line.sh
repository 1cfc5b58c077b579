#!/bin/bash
# A site behind a line of 10 Mbit/s takes update A of bench/delta.sh by its delta. From its start until
# the new package is installed a sync takes at most 1.15 times what the delta's bytes take on that line,
# plus rebuilding and unpacking, as these take by themselves in the same run. The line is the loopback of
# a network namespace of our own, shaped by tc, so that both directions share it; all of the sync goes
# over it, the list by ssh too. The phases are those that pkgmgr's events bound; what the delta starts
# from is hashed while it is fetched.
# Root and 8 GB are needed, and the packages that bench/delta.sh keeps. BENCH_RUNS sets another number of
# runs than 3; the median counts.
if [ -z "${WAYBILL_NETNS:-}" ] && [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
	WAYBILL_NETNS=1 exec unshare -n -- "$0"
fi
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/bench.sh"
. "$top_srcdir/tests/lib/site.sh"
. "$top_srcdir/tests/lib/image.sh"
need_root
need ip tc perl
mbit=10
runs=${BENCH_RUNS:-3}
cache=${WAYBILL_CACHE:-/var/cache/waybill-bench}/delta
[ -e "$cache/old.deb" ] && [ -e "$cache/a.deb" ] || skip "bench/delta.sh has not made its images yet"
[ -n "${WAYBILL_NETNS:-}" ] || skip "no network namespace of our own"
ip link set lo up mtu 1500

shape()
{
	tc qdisc add dev lo root tbf rate ${mbit}mbit burst 16kb latency 100ms
}

unshape()
{
	tc qdisc del dev lo root
}

# sync_timed: a sync; each of its events with its time in $T/events
sync_timed()
{
	local status=0
	perl -MTime::HiRes=time -e 'printf "%.3f start\n", time;
		printf "%.3f %s", time, $_ while <STDIN>;
		printf "%.3f end\n", time' <"$T/pipe" >"$T/events" &
	pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/pipe" || status=$?
	wait $!
	[ "$status" = 0 ] || { cat "$T/events" >&2; fail "exit $status"; }
}

# at EVENT: when the last one of these was
at()
{
	awk -v event="$1" 'index($0, event) { at = $1 } END { print at }' "$T/events"
}

# seconds FROM TO: between two times
seconds()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b - a }'
}

# spent NAME FROM TO: into $T/NAME
spent()
{
	seconds "$2" "$3" >>"$T/$1"
	echo >>"$T/$1"
}

# apart NAME COMMAND...: how long it takes by itself
apart()
{
	local name=$1 started
	shift
	started=$(date +%s.%N)
	"$@" >"$T/$name.log" 2>&1 || { cat "$T/$name.log" >&2; fail "$name"; }
	spent "$name" "$started" "$(date +%s.%N)"
}

# update: from the old package to the new one
update()
{
	rm -rf "$ROOT"
	cp -a "$T/before" "$ROOT"
	sync -f "$T"
	shape
	sync_timed
	unshape
	is_installed bench 1.1
	cmp "$ROOT/$disk" "$T/disk.published" || fail "another disk than was published"
	lacks "$T/events" "fetched whole"
	spent begin "$(at " start")" "$(at "fetch-start: bench")"
	spent fetch "$(at "fetch-start: bench")" "$(at "fetch-done: bench")"
	spent rebuild "$(at "fetch-done: bench")" "$(at " delta-done: ")"
	spent look "$(at " delta-done: ")" "$(at " commit-start: ")"
	spent unpack "$(at " commit-start: ")" "$(at " sync-done: ")"
	spent whole "$(at " start")" "$(at " sync-done: ")"
	spent report "$(at " sync-done: ")" "$(at " end")"
}

shape || skip "no tbf in this kernel"
unshape
image_site_init
mkfifo "$T/pipe"
disk=var/lib/waybill/appliances/bench/disk.qcow2
imagerepo add "$cache/old.deb" >/dev/null
assign "musthave: bench"
sync_site
is_installed bench 1.0
mv "$ROOT" "$T/before"
imagerepo add "$cache/a.deb" >/dev/null
assign "musthave: bench"
dpkg-deb --fsys-tarfile "$cache/a.deb" | tar -xO "./$disk" >"$T/disk.published"
delta=$(echo "$T"/public/pool/main/b/bench/bench_1.0_1.1_*.delta)
bytes=$(stat -c %s "$delta")
for _ in $(seq "$runs"); do
	update
done
old=$T/before/var/lib/waybill/appliances/bench
rm -rf "$ROOT"
cp -a "$T/before" "$ROOT"
for _ in $(seq "$runs"); do
	rm -f "$T/back.deb"
	apart patch imagepkg patch -o "$T/back.deb" "$delta" "$old"
	apart dpkg root_dpkg "$ROOT" --unpack "$T/back.deb"
done

# ideal_of BYTES: seconds on the line
ideal_of()
{
	awk -v bytes="$1" -v mbit=$mbit 'BEGIN { printf "%.2f", bytes * 8 / mbit / 1000000 }'
}

# row TEXT NAME
row()
{
	printf '%-58s %8s\n' "$1" "$(median "$T/$2")"
}

ideal=$(ideal_of "$bytes")
printf '%-58s %8s\n' "load average (1 or so is quiet)" "$(cut -d' ' -f1 /proc/loadavg)" \
	"delta, bytes" "$bytes" "package, bytes" "$(stat -c %s "$cache/a.deb")" \
	"the delta on a line of $mbit Mbit/s, seconds" "$ideal" \
	"the package on it" "$(ideal_of "$(stat -c %s "$cache/a.deb")")"
echo "seconds of a sync, the median of $runs:"
row "  gate, list, Release, indexes, plan, Deltas" begin
row "  fetch of the delta" fetch
row "  rebuild" rebuild
row "  what was rebuilt is hashed again; locks, record" look
row "  unpack and configure" unpack
row "  all of it" whole
row "  and the report to the gate" report
echo "by themselves:"
row "  rebuild (imagepkg patch)" patch
row "  unpack (dpkg --unpack)" dpkg
paste "$T/begin" "$T/fetch" | awk '{ print $1 + $2 }' >"$T/until"
printf '%-58s %8s\n' "until the delta is there, times its time on the line" "$(ratio "$(median "$T/until")" "$ideal")"
rest=$(awk -v a="$(median "$T/whole")" -v b="$(median "$T/patch")" -v c="$(median "$T/dpkg")" \
	'BEGIN { print a - b - c }')
goal "a sync but for rebuild and unpack, times the delta's" "$(ratio "$rest" "$ideal")" le 1.15
exit $failed
