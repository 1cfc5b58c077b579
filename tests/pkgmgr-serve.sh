#!/bin/bash
# A site as a source for its neighbours: what it has verified is offered by SHA-256, taken
# before the mirror is asked, and believed no more than that one.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
site_init
need curl
PEER_PORT=$(free_port)
OTHERS=("mayhave: one" "mayhave: two" "mayhave: three" "mayhave: four")
SHARED=$T/site/var/cache/waybill/shared/by-sha256

# Two sites with one name, so that one list does for both.
ROOT_A=$ROOT
ROOT=$T/b
make_dpkg_root "$ROOT"
first_line=$(cat "$SSHD_AUTHORIZED_KEYS")
configure_site
allow_site
echo "$first_line" >>"$SSHD_AUTHORIZED_KEYS"
ROOT_B=$ROOT

# sync_at ROOT [STATUS]
sync_at()
{
	ROOT=$1
	run_exit "${2:-0}" pkgmgr sync --root "$ROOT"
}

# from_mirror NAME: body bytes that the mirror sent of a package
from_mirror()
{
	awk -v name="/pool/$1" 'index($1, name) == 1 { sum += $3 } END { print sum + 0 }' \
		"$T/web/ranges.log"
}

sha256_of()
{
	sha256sum "$T/public/pool/$1" | cut -d' ' -f1
}

note "nothing is kept unless that is asked for"
big_package one 1 2
publish
assign "musthave: one"
sync_at "$ROOT_A"
[ ! -e "$SHARED" ] || equal "$(ls "$SHARED")" "" "files kept by default"

note "what was verified and installed is kept, readable to anybody"
big_package two 1 2
publish
assign "Cache-Size: 5M" "Peers: http://127.0.0.1:$PEER_PORT" "musthave: two" "mayhave: *"
sync_at "$ROOT_A"
TWO=$(sha256_of two_1_all.deb)
cmp "$SHARED/$TWO" "$T/public/pool/two_1_all.deb"
equal "$(stat -c %a "$SHARED/$TWO")" 644 "mode of what is kept"

note "it is served by somebody who owns nothing"
pkgmgr serve --root "$ROOT_A" --port "$PEER_PORT" --address 127.0.0.1 >"$T/serve.out" 2>&1 &
SERVE_PID=$!
track_pid $SERVE_PID
wait_for 10 "it listens" listens "$PEER_PORT"
equal "$(stat -c %U /proc/$SERVE_PID)" nobody "user of pkgmgr serve"
equal "$(curl -s "http://127.0.0.1:$PEER_PORT/by-sha256/$TWO" | sha256sum | cut -d' ' -f1)" "$TWO" \
	"what a neighbour gets"

note "and nothing else is"
for path in /by-sha256 / /by-sha256/../../archives/x /../../../../etc/hostname //etc/hostname \
	/by-sha256/%2e%2e/%2e%2e/%2e%2e/%2e%2e/lib/waybill/state.db; do
	equal "$(curl -s --path-as-is -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PEER_PORT$path")" \
		404 "status of $path"
done
equal "$(curl -s -d x -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PEER_PORT/by-sha256/$TWO")" 405 \
	"status of a POST"

note "one address has its share of the connections, and who dawdles is closed"
dawdle()
{
	perl -MIO::Socket::INET -e '$SIG{PIPE} = "IGNORE"; my $began = time;
		my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) or die;
		print $c "GET / HTTP/1.1\r\n"; $c->flush;
		for (1 .. 9) { sleep 5; print {$c} "a"; $c->flush; my $r = ""; vec($r, fileno $c, 1) = 1;
			last if select $r, undef, undef, 0 }
		print time - $began, "\n"' "$PEER_PORT" >"$T/dawdled"
}
dawdle &
DAWDLE=$!
perl -MIO::Socket::INET -e 'my @c = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1",
		PeerPort => $ARGV[0], LocalAddr => "127.0.0.2") } 1 .. 9;
	my $r = ""; vec($r, fileno $c[8], 1) = 1; select $r, undef, undef, 5;
	$r = ""; vec($r, fileno $_, 1) = 1 for @c[0 .. 7]; my $others = select $r, undef, undef, 0;
	exit($others == 0 && !defined(readline $c[8]) ? 0 : 1)' "$PEER_PORT" || fail "a ninth connection"
equal "$(curl -s "http://127.0.0.1:$PEER_PORT/by-sha256/$TWO" | sha256sum | cut -d' ' -f1)" "$TWO" \
	"what another address gets meanwhile"

note "a neighbour takes it from there: the list names the peer"
: >"$T/web/ranges.log"
sync_at "$ROOT_B"
is_installed two 1
equal "$(from_mirror two)" 0 "bytes from the mirror"

note "with no mirror at all, by pkgmgr.conf"
big_package three 1 2
publish
assign "Cache-Size: 5M" "musthave: three" "mayhave: *"
sync_at "$ROOT_A"
rm "$T/public/pool/three_1_all.deb"
sync_at "$ROOT_B" 1
echo "Peers: http://127.0.0.1:$PEER_PORT" >>"$ROOT_B/etc/waybill/pkgmgr.conf"
sync_at "$ROOT_B"
is_installed three 1

note "a peer that died in the middle of a file is asked again where it was"
big_package four 1 4
publish
assign "Cache-Size: 5M" "Rate-Limit: 2M" "musthave: four" "mayhave: *"
sync_at "$ROOT_A"
: >"$T/web/ranges.log"
ROOT=$ROOT_B
pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/err" &
SYNC=$!
wait_for 20 "a part from the peer" part_has 1000000
kill -KILL $SYNC
wait $SYNC 2>/dev/null || true
sync_at "$ROOT_B"
is_installed four 1
equal "$(from_mirror four)" 0 "bytes from the mirror"

note "only so much is kept, the newest"
equal "$(ls "$SHARED")" "$(sha256_of four_1_all.deb)" "what is kept within 5 MiB"

note "a peer that lies: the mirror gives it, and the peer is the last one from then on"
big_package five 1 2
publish
assign "Cache-Size: 5M" "musthave: five" "mayhave: *"
sync_at "$ROOT_A"
FIVE=$(sha256_of five_1_all.deb)
flip_bit "$SHARED/$FIVE" 1000000
: >"$T/web/ranges.log"
sync_at "$ROOT_B"
is_installed five 1
[ "$(from_mirror five)" -ge 1000000 ] || fail "the mirror sent $(from_mirror five) bytes"
contains "$ROOT_B/var/lib/waybill/mirrors" "Server: http://127.0.0.1:$PEER_PORT"
contains "$ROOT_B/var/lib/waybill/mirrors" "Bad-Until"
cmp "$ROOT_B/usr/share/five/data" "$T/big-five/usr/share/five/data"

note "what is kept is hashed before it is taken again"
assign "Cache-Size: 5M" "${OTHERS[@]}"
sync_at "$ROOT_A"
assign "Cache-Size: 5M" "musthave: five" "mayhave: *"
sync_at "$ROOT_A"
cmp "$ROOT_A/usr/share/five/data" "$T/big-five/usr/share/five/data"

note "and saves fetching it"
assign "Cache-Size: 5M" "${OTHERS[@]}"
sync_at "$ROOT_A"
: >"$T/web/ranges.log"
assign "Cache-Size: 5M" "musthave: five" "mayhave: *"
sync_at "$ROOT_A"
is_installed five 1
equal "$(from_mirror five)" 0 "bytes from the mirror"

note "who dawdled was closed"
wait $DAWDLE
[ "$(cat "$T/dawdled")" -ge 25 ] && [ "$(cat "$T/dawdled")" -le 40 ] || fail "closed after $(cat "$T/dawdled") s"

note "a dead peer costs nothing but its chance"
kill $SERVE_PID
wait $SERVE_PID || fail "pkgmgr serve ended with $?"
rm "$ROOT_B/var/lib/waybill/mirrors"
big_package six 1 1
publish
assign "musthave: six" "mayhave: *"
sync_at "$ROOT_B"
is_installed six 1

note "what is too old goes, and all of it when nothing is to be kept"
touch -d '8 days ago' "$SHARED/$FIVE"
assign "Cache-Size: 5M" "mayhave: *"
sync_at "$ROOT_A"
equal "$(ls "$SHARED")" "" "what is left after a week"

note "Serve-To alone keeps something, and pkgmgrd is told whom to serve"
big_package seven 1 1
publish
assign "Serve-To: 127.0.0.0/8 192.168.7.9" "musthave: seven" "mayhave: *"
sync_at "$ROOT_A"
equal "$(ls "$SHARED")" "$(sha256_of seven_1_all.deb)" "what is kept"
contains "$ROOT_A/var/lib/waybill/schedule" "Serve-To: 127.0.0.0/8 192.168.7.9/32"
pkgmgr serve --root "$ROOT_A" --by-policy --port "$PEER_PORT" >"$T/serve.out" 2>&1 &
SERVE_PID=$!
track_pid $SERVE_PID
wait_for 10 "it listens" listens "$PEER_PORT"
equal "$(curl -s "http://127.0.0.1:$PEER_PORT/by-sha256/$(sha256_of seven_1_all.deb)" | sha256sum | cut -d' ' -f1)" \
	"$(sha256_of seven_1_all.deb)" "what a neighbour gets"

note "a list without it ends the server"
assign "mayhave: *"
sync_at "$ROOT_A"
lacks "$ROOT_A/var/lib/waybill/schedule" "Serve-To"
wait $SERVE_PID || fail "pkgmgr serve ended with $?"
equal "$(ls "$SHARED")" "" "what is kept for nobody"
