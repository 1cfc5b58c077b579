#!/bin/bash
# Viewers and agents that mean no good, at the proxy.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/vnc.sh"
need jq openssl

proxy_new
proxy_start
server_start target -SecurityTypes None
agent_conf kbh1.askom "127.0.0.1:$SERVER_PORT"
agent_start kbh1.askom

still_works()
{
	probe 0 -c "$(code_for kbh1.askom)"
}

note "an unoffered security type"
probe 1 -t 1 -c "$(code_for kbh1.askom)"
lacks "$T/out" "size"
probe 1 -t 16
lacks "$T/out" "size"

note "an empty password; a 3.3 viewer with garbage in the authentication stage"
probe 1 -c ""
contains "$T/out" "reason No machine has this code"
probe 1 -v 3.3
contains "$T/out" "result 1"
lacks "$T/out" "size"

note "guesses cost time, and the agent is not asked: the VNC server's blacklist is not tripped"
before=$(date +%s%N)
for _ in 1 2 3; do
	probe 1 -c aaaaaaaa -w 30
done
took_ms=$((($(date +%s%N) - before) / 1000000))
[ "$took_ms" -gt 1400 ] || fail "five guesses in all, these three took $took_ms ms"
still_works

note "a giant ClientCutText"
probe 1 -c "$(code_for kbh1.askom)" -x 060000007fffffff -n 999999
audited "a clipboard of 2147483647 bytes"
still_works

note "a message that is none"
probe 1 -c "$(code_for kbh1.askom)" -x 63 -n 999999
audited "message"

note "a TLS client that leaves early; no TLS at all; MiP that is none"
for hello in "" "GET / HTTP/1.0" $'\x16\x03\x01\x02\x00\x01'; do
	printf '%s' "$hello" | timeout 5 socat -t 1 - "TCP:127.0.0.1:$TLS" >/dev/null 2>&1 || true
done
for bytes in '\x07' '\x00\x07' '\x00\x01\xff\xff\xff\xff' '\x02AAAAAAAAAAAAAAAA\x00'; do
	printf '%b' "$bytes" | timeout 5 openssl s_client -quiet -alpn mip/2 -connect "127.0.0.1:$TLS" \
		-cert "$T/kbh1.askom.pem" -key "$T/kbh1.askom.pem" >/dev/null 2>&1 || true
done
contains "$T/proxy.log" "TLS port, 127.0.0.1: MiP"
contains "$T/proxy.log" "a ticket that is not good"
still_works

note "a second agent with a stolen identifier"
"${CTL[@]}" --quiet machine add kbh2.thief >"$T/kbh2.thief.pem"
agent_conf kbh1.askom "127.0.0.1:$SERVER_PORT" "Identity: $T/kbh2.thief.pem"
mv kbh1.askom.conf thief.conf
vncagent --config "$T/thief.conf" run >"$T/thief.log" 2>&1 &
thief=$!
track_pid "$thief"
wait_for 10 "it is sent away" grep -q "the other end refuses" thief.log
contains "$T/proxy.log" "'kbh1.askom' has another key"
still_works
stop_pid "$thief"

note "agents by the letter of MiP 1 and 2; a stale ticket replayed"
for version in 1 2; do
	"${CTL[@]}" --quiet machine add "kbh$version.mip" >"$T/mip$version.pem"
	timeout 60 "$top_srcdir/tests/lib/mip-agent.pl" $version "$TLS" "$T/mip$version.pem" "kbh$version.mip" \
		"$SERVER_PORT" >"mip$version.out" 2>"mip$version.err" &
	track_pid $!
	wait_for 10 "the agent of MiP $version is registered" is_connected "kbh$version.mip"
	probe 0 -c "$(code_for "kbh$version.mip")" -e -n 307200
	contains "$T/out" enough
	wait_for 20 "the ticket has been tried again" grep replayed "mip$version.out"
	contains "mip$version.out" "replayed: closed"
done
still_works

note "endless headers"
page=https://127.0.0.1:$TLS
for header in "$(printf 'X%.0s' $(seq 9000))" "$(printf 'X: y\n%.0s' $(seq 70))"; do
	got=$(curl -sk --noproxy '*' --max-time 10 -o /dev/null -w '%{http_code}' -H "@-" "$page/" <<<"X: $header" || true)
	[[ $got = 4?? ]] || fail "endless headers: $got"
done
# Never a line's end, or never the last one, as fast as it takes them; and a head that takes its time.
for endless in 'tr "\0" a </dev/zero' 'yes "X: y"'; do
	before=$SECONDS
	{ printf 'GET / HTTP/1.1\r\n'; timeout 20 bash -c "$endless"; } | timeout 30 openssl s_client -quiet \
		-connect "127.0.0.1:$TLS" >endless.out 2>/dev/null || true
	[ $((SECONDS - before)) -lt 15 ] || fail "endless headers were taken for $((SECONDS - before)) s"
	contains endless.out "HTTP/1.1 4"
done
before=$SECONDS
{ printf 'GET / HTTP/1.1\r\n'; for _ in $(seq 60); do echo "X: y"; sleep 1; done; } 2>/dev/null |
	timeout 60 openssl s_client -quiet -connect "127.0.0.1:$TLS" >/dev/null 2>&1 || true
[ $((SECONDS - before)) -lt 45 ] || fail "slow headers were taken for $((SECONDS - before)) s"
still_works

note "a WebSocket frame of 2^63 bytes"
upgrade="GET /websocket HTTP/1.1\r\nHost: 127.0.0.1:$TLS\r\nOrigin: $page\r\nConnection: Upgrade\r\n"
upgrade+="Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
for frame in '\x82\xff\x80\0\0\0\0\0\0\0mask' '\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask'; do
	{ printf '%b' "$upgrade"; sleep 1; printf '%bRFB' "$frame"; sleep 2; } |
		timeout 20 openssl s_client -quiet -connect "127.0.0.1:$TLS" >frame.out 2>/dev/null || true
	contains frame.out "101 Switching"
	# A close frame, status 1002 or 1009.
	perl -0777 -ne 'exit !/\x88.\x03(\xea|\xf1)/s' frame.out || fail "the frame was not refused"
done
contains proxy.log "frame"
still_works

note "an agent is not told another proxy"
agent_conf kbh1.askom "127.0.0.1:$SERVER_PORT" "Proxy-Pin: $(printf '%064d' 0)"
vncagent --config "$T/kbh1.askom.conf" run >"$T/pin.log" 2>&1 &
pinned=$!
track_pid "$pinned"
wait_for 10 "it does not trust this one" grep -q "agree upon TLS: " pin.log
stop_pid "$pinned"
still_works

note "a crowd of one source leaves room for others"
for _ in $(seq 40); do
	# shellcheck disable=SC2034 # held until the script ends
	exec {crowd}<>"/dev/tcp/127.0.0.1/$VIEWERS"
done
run_exit 1 vnc-probe -w 2 127.0.0.1 "$VIEWERS"
contains "$T/out" closed
wait_for 30 "they are sent away" vnc-probe -c "$(code_for kbh1.askom)" -w 2 127.0.0.1 "$VIEWERS"
kill -0 "$PROXY" || fail "the proxy is gone"
