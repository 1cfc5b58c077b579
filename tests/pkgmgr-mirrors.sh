#!/bin/bash
# Several servers: the fastest first, failover, a bad one last, one that asks to be left
# alone; limits, a deadline, a proxy, several packages at once; what is said meanwhile.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
site_init
need python3 script
SECOND_PORT=$(free_port)
PROXY_PORT=$(free_port)
CONF=$ROOT/etc/waybill/pkgmgr.conf
cp "$CONF" "$T/conf"
# Two names: an apt to whom a host did not answer does not ask it at another port either.
sed "s|^URIs: .*|URIs: http://127.0.0.1:$WEB_PORT/ http://localhost:$SECOND_PORT/|" -i \
	"$ROOT/etc/apt/sources.list.d/waybill.sources"

# second_start [DIRECTIVE...]: the other mirror, of $T/second
second_start()
{
	nginx_start "$T/web2" "$SECOND_PORT" "$T/second" "$*"
	SECOND_PID=$NGINX_PID
}

second_stop()
{
	stop_pid "$SECOND_PID" "${1:-TERM}"
}

# serve_all NAME VERSION MIB: a new package on both mirrors
serve_all()
{
	rm -rf "$T"/public/pool
	big_package "$@"
	publish
	rm -rf "$T/second"
	cp -rp "$T/public" "$T/second"
}

# sent DIR NAME: body bytes of a package that this server sent
sent()
{
	awk -v name="/pool/$2" 'index($1, name) == 1 { sum += $3 } END { print sum + 0 }' "$1/ranges.log"
}

forget()
{
	: >"$T/web/ranges.log"
	: >"$T/web2/ranges.log"
}

# settings LINE...: pkgmgr.conf, and these lines
settings()
{
	cp "$T/conf" "$CONF"
	[ $# = 0 ] || printf '%s\n' "$@" >>"$CONF"
}

fetch_seconds()
{
	sed -n 's/.*fetch-done: .* in \([0-9.]*\) s$/\1/p' "$T/err"
}

# at_least A B: as numbers
at_least()
{
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }'
}

note "both are measured, and the faster one gives the rest"
second_start
serve_all one 1 6
web_stop
web_start "limit_rate 400k;"
assign "musthave: one" "mayhave: *"
sync_site
is_installed one 1
slow=$(sent "$T/web" one)
[ "$slow" -ge 500000 ] && [ "$slow" -le 1200000 ] || fail "the slow mirror sent $slow bytes"
contains "$ROOT/var/lib/waybill/mirrors" "Server: http://localhost:$SECOND_PORT"

note "the next package comes from the faster one at once"
forget
serve_all two 1 2
assign "musthave: two" "mayhave: *"
sync_site
is_installed two 1
equal "$(sent "$T/web" two)" 0 "bytes from the slow mirror"

note "it dies in the middle: the slow one goes on with the rest"
forget
serve_all three 1 6
second_stop
second_start "limit_rate 3m;"
web_stop
web_start
assign "musthave: three" "mayhave: *"
pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/err" &
SYNC=$!
wait_for 30 "a part of the package" part_has 2000000
second_stop KILL
proven=$(proven_bytes)
wait $SYNC || { cat "$T/err" >&2; fail "no failover"; }
is_installed three 1
size=$(stat -c %s "$T/public/pool/three_1_all.deb")
[ "$(sent "$T/web" three)" -le $((size - proven + 262144)) ] ||
	fail "the other mirror sent what was there: $(sent "$T/web" three) of $size, $proven there"

note "too slow is as good as dead"
second_start
serve_all four 1 3
second_stop
second_start "limit_rate 20k;"
rm "$ROOT/var/lib/waybill/mirrors"
settings "Minimum-Rate: 200K" "Stall-Time: 2s"
assign "musthave: four" "mayhave: *"
sync_site
is_installed four 1
contains "$T/err" "http://localhost:$SECOND_PORT/pool/four_1_all.deb: Timeout was reached"

note "one that sends other bytes is proven bad, and the last one after that"
settings
second_stop
second_start
rm "$ROOT/var/lib/waybill/mirrors"
sed "s|^URIs: .*|URIs: http://localhost:$SECOND_PORT/ http://127.0.0.1:$WEB_PORT/|" -i \
	"$ROOT/etc/apt/sources.list.d/waybill.sources"
serve_all five 1 1
flip_bit "$T/second/pool/five_1_all.deb" 500000
assign "musthave: five" "mayhave: *"
sync_site
is_installed five 1
contains "$T/err" "not those that the repository signed"
contains "$ROOT/var/lib/waybill/mirrors" "Bad-Until"
forget
serve_all six 1 1
assign "musthave: six" "mayhave: *"
sync_site
is_installed six 1
equal "$(sent "$T/web2" six)" 0 "bytes from the mirror that was proven bad"

note "bad bytes among those of both: begun anew, and right in the end"
rm "$ROOT/var/lib/waybill/mirrors"
forget
serve_all seven 1 4
flip_bit "$T/second/pool/seven_1_all.deb" 1000
assign "musthave: seven" "mayhave: *"
sync_site
is_installed seven 1
contains "$T/err" "what was put together is wrong"
contains "$T/err" "localhost:$SECOND_PORT/pool/seven_1_all.deb: its part of the file was wrong"
contains "$ROOT/var/lib/waybill/mirrors" "Bad-Until"

note "a server that asks to be left alone is left alone, and asked again"
rm "$ROOT/var/lib/waybill/mirrors"
second_stop
sed "s|^URIs: .*|URIs: http://127.0.0.1:$WEB_PORT/|" -i "$ROOT/etc/apt/sources.list.d/waybill.sources"
serve_all eight 1 1
web_stop
# shellcheck disable=SC2016 # nginx's own variable
web_start "location /pool { if (-f $T/busy) { return 503; } add_header Retry-After 3 always; }"
touch "$T/busy"
assign "musthave: eight" "mayhave: *"
forget
pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/err" &
SYNC=$!
wait_for 30 "it is told to wait" grep -q "fetch-wait" "$T/err"
contains "$ROOT/var/lib/waybill/site.list" eight
rm "$T/busy"
wait $SYNC || { cat "$T/err" >&2; fail "it did not wait"; }
is_installed eight 1
at_least "$(awk '/pool/ && $2 == 503 { at = $5 } /pool/ && $2 == 200 { print $5 - at }' \
	"$T/web/ranges.log")" 2.9 || fail "it came back too early"

note "but no longer than the deadline allows, and a later sync still obeys"
serve_all nine 1 1
second_stop
web_stop
web_start "location /pool { if (-f $T/busy) { return 429; } add_header Retry-After 3600 always; }"
touch "$T/busy"
settings "Fetch-Deadline: 5s"
assign "musthave: nine" "mayhave: *"
run_exit 1 pkgmgr sync --root "$ROOT"
contains "$T/err" "no server is to be asked before the deadline"
forget
run_exit 1 pkgmgr sync --root "$ROOT"
lacks "$T/web/ranges.log" "/pool/"
rm "$ROOT/var/lib/waybill/mirrors"

note "a Retry-After that is absurd, and one that is over"
settings "Fetch-Deadline: 20s"
for after in 9223372036854775807 -5 "Wed, 21 Oct 2015 07:28:00 GMT"; do
	web_stop
	web_start "location /pool { if (-f $T/busy) { return 503; } add_header Retry-After '$after' always; }"
	forget
	rm -f "$ROOT/var/lib/waybill/mirrors"
	run_exit 1 pkgmgr sync --root "$ROOT"
	contains "$T/err" "the server answers 503"
	[ "$(grep -c "/pool/" "$T/web/ranges.log")" -le 3 ] || fail "asked $(grep -c "/pool/" "$T/web/ranges.log") times"
done
rm "$T/busy" "$ROOT/var/lib/waybill/mirrors"

note "the deadline ends a fetch, and what came stays"
settings "Fetch-Deadline: 2s"
web_stop
web_start "limit_rate 200k;"
run_exit 1 pkgmgr sync --root "$ROOT"
contains "$T/err" "Timeout was reached"
[ "$(proven_bytes)" -ge 100000 ] || fail "$(proven_bytes) bytes are left"
settings
web_stop
web_start
sync_site
is_installed nine 1

note "Rate-Limit, from the list"
serve_all ten 1 3
assign "Rate-Limit: 1M" "musthave: ten" "mayhave: *"
sync_site
is_installed ten 1
at_least "$(fetch_seconds)" 2.6 || fail "3 MiB came in $(fetch_seconds) s at 1 MiB a second"

note "two packages at once; one, where that is the setting"
# overlap: how many seconds the second package was asked for before the first one's end
overlap()
{
	awk 'BEGIN { n = 0 } /pool\/p[12]_/ { end[n] = $5; start[n++] = $5 - $6 }
		END { first = end[0] < end[1] ? end[0] : end[1]
		      last = start[0] > start[1] ? start[0] : start[1]; print first - last }' \
		"$T/web/ranges.log"
}
web_stop
web_start "limit_rate 1m;"
for parallel in 2 1; do
	rm -rf "$T/public/pool"
	big_package p1 $((3 - parallel)) 2
	big_package p2 $((3 - parallel)) 2
	publish
	settings "Parallel: $parallel"
	assign "musthave: p1" "musthave: p2" "mayhave: *"
	forget
	sync_site
	is_installed p2 $((3 - parallel))
	if [ $parallel = 2 ]; then
		at_least "$(overlap)" 0.5 || fail "overlap of $(overlap) s with Parallel: 2"
	else
		at_least 0.01 "$(overlap)" || fail "overlap of $(overlap) s with Parallel: 1"
	fi
done
settings

note "indexes that trickle are given up, and what was known before holds"
web_stop
web_start "location ~ InRelease { limit_rate 20; }"
settings "Stall-Time: 3s"
publish
started=$SECONDS
sync_site
[ $((SECONDS - started)) -lt 25 ] || fail "it took $((SECONDS - started)) s"
contains "$T/err" "the package indexes come too slowly"
settings
web_stop
web_start
sync_site
lacks "$T/err" "too slowly"

note "a neighbour that trickles is left, and the deadline is nobody's failure"
second_stop
mkdir -p "$T/second/by-sha256"
rm -rf "$T/public/pool"
big_package p3 1 2
publish
cp "$T/public/pool/p3_1_all.deb" "$T/second/by-sha256/$(sha256sum <"$T/public/pool/p3_1_all.deb" | cut -d' ' -f1)"
second_start "limit_rate 1000;"
rm -f "$ROOT/var/lib/waybill/mirrors"
settings "Peers: http://127.0.0.1:$SECOND_PORT"
assign "musthave: p3" "mayhave: *"
started=$SECONDS
sync_site
is_installed p3 1
[ $((SECONDS - started)) -lt 25 ] || fail "it took $((SECONDS - started)) s"
contains "$T/err" "another server was faster"
settings
second_stop

note "a server that knows no ranges, on a line that is always cut, is given up"
rm -rf "$T/public/pool"
big_package p3 2 2
publish
perl -MIO::Socket::INET -e '
	my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], Listen => 9, ReuseAddr => 1);
	$SIG{PIPE} = "IGNORE";
	while (my $c = $l->accept) {
		while (<$c>) { last if /^\r?$/ }
		print $c "HTTP/1.1 200 OK\r\nContent-Length: $ARGV[1]\r\n\r\n";
		open my $f, "<", $ARGV[2]; read $f, my $data, 300_000; print $c $data; close $c;
	}' "$SECOND_PORT" "$(stat -c %s "$T/public/pool/p3_2_all.deb")" "$T/public/pool/p3_2_all.deb" &
CUT=$!
track_pid $CUT
wait_for 10 "the server that cuts" listens "$SECOND_PORT"
web_stop
web_start "location /pool { return 404; }"
rm -f "$ROOT/var/lib/waybill/mirrors"
settings "Peers: http://127.0.0.1:$SECOND_PORT"
started=$SECONDS
run_exit 1 pkgmgr sync --root "$ROOT"
[ $((SECONDS - started)) -lt 30 ] || fail "it took $((SECONDS - started)) s"
stop_pid $CUT
web_stop
web_start
settings

note "--json: one event a line, and the progress"
serve_all eleven 1 3
assign "musthave: eleven" "mayhave: *"
sync_site --json
python3 - "$T/err" "$T/out" <<'PYTHON'
import json, sys
events = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
names = [e["event"] for e in events]
for name in ("sync-start", "fetch-start", "fetch-progress", "fetch-done", "sync-done"):
    assert name in names, names
progress = [e for e in events if e["event"] == "fetch-progress"]
assert all(0 <= e["done_bytes"] <= e["total_bytes"] for e in progress), progress
assert json.load(open(sys.argv[2]))["result"] == "done"
PYTHON

note "a bar with speed and time left on a terminal"
serve_all twelve 1 3
assign "musthave: twelve" "mayhave: *"
script -qec "pkgmgr sync --root '$ROOT'" "$T/typescript" >/dev/null </dev/null
is_installed twelve 1
tr '\r' '\n' <"$T/typescript" | grep -qE '\[#+\.*\] +[0-9]+ %  .*/s  [0-9]+:[0-9][0-9] left' ||
	fail "no bar: $(tail -c 2000 "$T/typescript")"

note "through a proxy, for indexes and packages"
nginx_start "$T/proxy" "$PROXY_PORT" "$T/nothing" \
	"location / { proxy_pass http://127.0.0.1:$WEB_PORT\$request_uri; }"
settings "Proxy: http://127.0.0.1:$PROXY_PORT"
serve_all thirteen 1 1
assign "musthave: thirteen" "mayhave: *"
sync_site
is_installed thirteen 1
contains "$T/proxy/ranges.log" "dists/stable/InRelease"
contains "$T/proxy/ranges.log" "/pool/thirteen_1_all.deb"
forget
: >"$T/proxy/ranges.log"
settings "Proxy: none"
serve_all fourteen 1 1
assign "musthave: fourteen" "mayhave: *"
http_proxy=http://127.0.0.1:$PROXY_PORT sync_site
is_installed fourteen 1
equal "$(wc -c <"$T/proxy/ranges.log")" 0 "requests to a proxy that is not to be used"
