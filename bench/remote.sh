#!/bin/bash
# What vncproxyd's processor time buys, beside what others do with theirs, in one run: bytes through a proxy per
# second of its processor, and how much it delays a small message while it carries a stream.
#   - agent's leg in TLS, viewer's in clear:  HAProxy, stunnel (client of a TLS server)
#   - both in TLS:                            HAProxy
#   - a browser's WebSocket:                  websockify, whose other leg is in clear
# And what one who guesses codes at full rate costs a user at another address.
# Medians of $BENCH_RUNS (5) interleaved runs.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/vnc.sh"
. "$top_srcdir/tests/lib/bench.sh"
need jq haproxy stunnel4 websockify openssl vnc-load

runs=${BENCH_RUNS:-5}
mib=${BENCH_MIB:-768}
ticks=$(getconf CLK_TCK)

# cpu PID: of it and its children, those that are gone included, in ticks
cpu()
{
	local pid sum=0
	for pid in $1 $(pgrep -P "$1" || true); do
		sum=$((sum + $(awk '{ print $14 + $15 + $16 + $17 }' "/proc/$pid/stat" 2>/dev/null || echo 0)))
	done
	echo $sum
}

# --- the proxies ----------------------------------------------------------------------------------

proxy_new "Max-Strangers: 10000" "Max-Strangers-Per-Source: 1000" "Rate-Per-Source: 100000"
cat cert.pem key.pem >both.pem
for mode in pump echo; do
	"${CTL[@]}" --quiet machine add "$mode-0" --user anna --job "$mode" >"$mode.pem"
	mv "machines/$mode-0" "machines/${mode}0"
	sed -i "s/^Machine: .*/Machine: ${mode}0/" "machines/${mode}0"
done
proxy_start
for mode in pump echo; do
	vnc-load -i "$mode.pem" -m "$mode" -c 1 agents 127.0.0.1 "$TLS" "$mode" >"$mode.agent" 2>&1 &
	track_pid $!
	declare "tls_$mode=$(free_port)" "clear_$mode=$(free_port)"
	name=tls_$mode
	vnc-load -i both.pem -m "$mode" serve "${!name}" >/dev/null 2>&1 &
	track_pid $!
	name=clear_$mode
	vnc-load -m "$mode" serve "${!name}" >/dev/null 2>&1 &
	track_pid $!
	wait_for 10 "the agent of $mode" is_connected "${mode}0"
done

declare -A PORT PID
# haproxy MODE: two ports of it, and one of stunnel
for mode in pump echo; do
	PORT[haproxy-clear-$mode]=$(free_port)
	PORT[haproxy-tls-$mode]=$(free_port)
	PORT[stunnel-$mode]=$(free_port)
done
PORT[websockify-pump]=$(free_port)
PORT[websockify-echo]=$(free_port)
{
	printf 'global\n\tnbthread 1\n\tmaxconn 1000\n'
	printf 'defaults\n\tmode tcp\n\ttimeout connect 5s\n\ttimeout client 1h\n\ttimeout server 1h\n'
	for mode in pump echo; do
		name=tls_$mode
		printf 'listen clear-%s\n\tbind 127.0.0.1:%s\n\tserver s 127.0.0.1:%s ssl verify none\n' \
			$mode "${PORT[haproxy-clear-$mode]}" "${!name}"
		printf 'listen tls-%s\n\tbind 127.0.0.1:%s ssl crt %s\n\tserver s 127.0.0.1:%s ssl verify none\n' \
			$mode "${PORT[haproxy-tls-$mode]}" "$T/both.pem" "${!name}"
	done
} >haproxy.cfg
haproxy -f haproxy.cfg -db >haproxy.log 2>&1 &
PID[haproxy]=$!
{
	printf 'foreground = yes\npid =\n'
	for mode in pump echo; do
		name=tls_$mode
		printf '[%s]\nclient = yes\naccept = 127.0.0.1:%s\nconnect = 127.0.0.1:%s\n' \
			$mode "${PORT[stunnel-$mode]}" "${!name}"
	done
} >stunnel.conf
stunnel4 stunnel.conf >stunnel.log 2>&1 &
PID[stunnel]=$!
for mode in pump echo; do
	name=clear_$mode
	websockify --cert both.pem --ssl-only "127.0.0.1:${PORT[websockify-$mode]}" "127.0.0.1:${!name}" \
		>"websockify-$mode.log" 2>&1 &
	PID[websockify-$mode]=$!
done
PID[ours]=$PROXY
for pid in "${PID[@]}"; do
	track_pid "$pid"
done
wait_for 10 "HAProxy listens" listens "${PORT[haproxy-tls-echo]}"
wait_for 10 "stunnel listens" listens "${PORT[stunnel-echo]}"
wait_for 10 "websockify listens" listens "${PORT[websockify-pump]}"
wait_for 10 "websockify listens" listens "${PORT[websockify-echo]}"

# The identifier of 2009 of a job is a code for ever.
code_of() { perl -MDigest::MD5=md5 -e 'print map { chr($_ % 94 + 32) } unpack("C8", md5($ARGV[0]))' "$1"; }
pump_code=$(code_of pump) echo_code=$(code_of echo)

# --- bytes ----------------------------------------------------------------------------------------

# carry NAME PROXY BYTES VIEWER-ARGUMENT...: adds MiB per second of the proxy's processor to NAME
carry()
{
	local name=$1 proxy=$2 bytes=$3 before used
	shift 3
	before=$(cpu "${PID[$proxy]}")
	vnc-load -m pump -b "$bytes" "$@" >load.out 2>load.err || fail "$name: $(cat load.err)"
	[ "$(jq .bytes load.out)" -ge "$bytes" ] || fail "$name: $(cat load.out load.err)"
	used=$(($(cpu "${PID[$proxy]}") - before))
	awk -v b="$bytes" -v t=$((used > 0 ? used : 1)) -v hz="$ticks" 'BEGIN { printf "%.0f\n", b / 1048576 * hz / t }' >>"$name"
}

bytes=$((mib * 1048576))
for run in $(seq "$runs"); do
	note "run $run"
	carry ours-clear ours $bytes -- view 127.0.0.1 "$VIEWERS" "$pump_code"
	carry haproxy-clear haproxy $bytes view 127.0.0.1 "${PORT[haproxy-clear-pump]}"
	carry stunnel-clear stunnel $bytes view 127.0.0.1 "${PORT[stunnel-pump]}"
	carry ours-tls ours $bytes -t -w -- view 127.0.0.1 "$TLS" "$pump_code"
	carry haproxy-tls haproxy $bytes -t view 127.0.0.1 "${PORT[haproxy-tls-pump]}"
	carry websockify websockify-pump $((bytes / 8)) -t -w view 127.0.0.1 "${PORT[websockify-pump]}"
done

# --- messages: 6 bytes there and back ---------------------------------------------------------------

# chat NAME PROXY VIEWER-ARGUMENT...: adds round trips per second of the proxy's processor to NAME
chat()
{
	local name=$1 proxy=$2 before used
	shift 2
	before=$(cpu "${PID[$proxy]}")
	vnc-load -m echo -s 3 "$@" >load.out 2>load.err || fail "$name: $(cat load.err)"
	# A process for each session has to be waited for before its time counts.
	sleep 0.5
	used=$(($(cpu "${PID[$proxy]}") - before))
	awk -v n="$(jq .rtts load.out)" -v t=$((used > 0 ? used : 1)) -v hz="$ticks" \
		'BEGIN { printf "%.0f\n", n * hz / t }' >>"$name"
}
for run in $(seq "$runs"); do
	note "messages, run $run"
	chat ours-messages ours -t -w -- view 127.0.0.1 "$TLS" "$echo_code" "$echo_code" "$echo_code" "$echo_code"
	chat websockify-messages websockify-echo -t -w -c 4 view 127.0.0.1 "${PORT[websockify-echo]}"
done

# --- delay, with two streams beside it --------------------------------------------------------------

# delay NAME PUMP-ARGUMENTS -- ECHO-ARGUMENTS: adds the 99th percentile, in us, to NAME
delay()
{
	local name=$1 pump=() load=()
	shift
	while [ "$1" != / ]; do
		pump+=("$1")
		shift
	done
	shift
	vnc-load -m pump -s 4 "${pump[@]}" >/dev/null 2>&1 &
	load+=($!)
	sleep 0.5
	vnc-load -m echo -s 3 "$@" >load.out 2>load.err || fail "$name: $(cat load.err)"
	wait "${load[@]}" || true
	[ "$(jq .rtts load.out)" -gt 10 ] || fail "$name: $(cat load.out load.err)"
	jq .rtt_p99_us load.out >>"$name"
}
for run in $(seq "$runs"); do
	note "delay, run $run"
	delay ours-delay -- view 127.0.0.1 "$VIEWERS" "$pump_code" / -- view 127.0.0.1 "$VIEWERS" "$echo_code"
	delay haproxy-delay view 127.0.0.1 "${PORT[haproxy-clear-pump]}" / view 127.0.0.1 "${PORT[haproxy-clear-echo]}"
done

# --- an attack ----------------------------------------------------------------------------------------

# With the limits that it has by default.
proxy_new
proxy_start
vnc-load -i pump.pem -m pump -c 1 agents 127.0.0.1 "$TLS" pump >attacked.agent 2>&1 &
track_pid $!
wait_for 10 "the agent" is_connected pump0
# connect NAME: adds the time in which a user is let in, in us, to NAME, 40 times
connect()
{
	local before _
	for _ in $(seq 40); do
		before=${EPOCHREALTIME/./}
		vnc-probe -c "$pump_code" 127.0.0.1 "$VIEWERS" >load.out || fail "a user is kept out: $(cat load.out)"
		echo $((${EPOCHREALTIME/./} - before)) >>"$1"
		# The agent's lines come from the same address: together they must stay below Rate-Per-Source.
		sleep 0.05
	done
}
for run in $(seq "$runs"); do
	note "attack, run $run"
	connect calm
	# It takes of these processors what nobody else wants, so that the proxy is what is measured: an
	# attacker has a machine of its own.
	chrt --idle 0 "$top_srcdir/tests/lib/flood.pl" 127.0.0.2 "$VIEWERS" >flood.out &
	flood=$!
	track_pid $flood
	sleep 0.3
	connect attacked
	kill $flood
	wait $flood || true
	[ "$(cat flood.out)" -gt 100 ] || fail "no attack: $(cat flood.out)"
done

echo
printf 'load average (1 or so is quiet)   %s\n' "$(cut -d' ' -f1 /proc/loadavg)"
printf 'MiB through a proxy per second of its processor, medians of %d runs of %d MiB\n' "$runs" "$mib"
for name in ours-clear haproxy-clear stunnel-clear ours-tls haproxy-tls websockify; do
	printf '  %-16s %8s   (%s)\n' $name "$(median $name)" "$(paste -sd ' ' $name)"
done
printf 'round trip beside a stream, 99th percentile, us\n'
for name in ours-delay haproxy-delay; do
	printf '  %-16s %8s   (%s)\n' $name "$(median $name)" "$(paste -sd ' ' $name)"
done
printf 'messages of 6 bytes there and back per second of its processor, by WebSocket\n'
for name in ours-messages websockify-messages; do
	printf '  %-16s %8s   (%s)\n' $name "$(median $name)" "$(paste -sd ' ' $name)"
done
printf 'a user is let in within, us: %s; while another address tries %s codes: %s\n' \
	"$(median calm)" "$(cat flood.out)" "$(median attacked)"
search=$(vnc-load codes 10000 | jq .search_us)
goal "agent in TLS, viewer in clear: times HAProxy" "$(ratio "$(median ours-clear)" "$(median haproxy-clear)")" ge 1.00
goal "agent in TLS, viewer in clear: times stunnel" "$(ratio "$(median ours-clear)" "$(median stunnel-clear)")" ge 1.00
goal "both in TLS (ours: WebSocket): times HAProxy" "$(ratio "$(median ours-tls)" "$(median haproxy-tls)")" ge 1.00
goal "WebSocket, a stream: times websockify" "$(ratio "$(median ours-tls)" "$(median websockify)")" ge 10
goal "WebSocket, messages: times websockify" "$(ratio "$(median ours-messages)" "$(median websockify-messages)")" ge 10
goal "a user's time while another address attacks: times" "$(ratio "$(median attacked)" "$(median calm)")" le 1.20
goal "delay at the 99th percentile: times HAProxy" "$(ratio "$(median ours-delay)" "$(median haproxy-delay)")" le 1.00
goal "a code among 10,000, us" "$search" le 2500
exit $failed
