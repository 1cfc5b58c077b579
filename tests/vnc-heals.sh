#!/bin/bash
# What was tested in 2009: identifiers, reconnecting, and every part failing. All heals by itself within
# 10 s of the line's return.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/vnc.sh"
need jq nft ip
need_root

sees_screen()
{
	vnc-probe -c "$(code_for kbh1.askom)" -e -n 300000 -w 3 127.0.0.1 "$VIEWERS" >"$T/out"
}

heals()
{
	wait_for 10 "$1: it has healed" sees_screen
}

# A machine behind a line of its own: the agent lives in a network namespace.
NS=vnc$$
ip netns add "$NS"
at_exit "ip netns del $NS"
ip link add "$NS" type veth peer name up netns "$NS"
at_exit "ip link del $NS 2>/dev/null || true"
ip addr add 10.97.0.1/24 dev "$NS"
ip link set "$NS" up
ip -n "$NS" addr add 10.97.0.2/24 dev up
ip -n "$NS" link set dev up up
ip -n "$NS" link set lo up

proxy_new "TLS: 0.0.0.0:$(free_port)"
sed -i '2d' "$T/proxy.conf"
TLS=$(sed -n 's/^TLS: .*://p' "$T/proxy.conf")
proxy_start
server_port=5900
ip netns exec "$NS" Xtigervnc ":$(free_port)" -rfbport $server_port -SecurityTypes None -geometry 320x240 \
	>"$T/server.log" 2>&1 &
track_pid $!
wait_for 20 "the VNC server listens" ip netns exec "$NS" bash -c "exec 3<>/dev/tcp/127.0.0.1/$server_port"
agent_conf kbh1.askom "127.0.0.1:$server_port" "Proxy: 10.97.0.1:$TLS"

agent_in_ns()
{
	ip netns exec "$NS" "$top_builddir/remote/vncagent" --config "$T/kbh1.askom.conf" run \
		>>"$T/agent.log" 2>&1 &
	AGENT=$!
	track_pid "$AGENT"
}

agent_in_ns
wait_for 10 "the agent is registered" is_connected kbh1.askom

note "valid and invalid identifier"
sees_screen
run_exit 1 vnc-probe -c nonsense -w 5 127.0.0.1 "$VIEWERS"

note "disconnect and reconnect, two at once"
for _ in 1 2 3; do
	sees_screen
done
vnc-probe -c "$(code_for kbh1.askom)" -e -n 999999999 -w 90 127.0.0.1 "$VIEWERS" >first.out &
first=$!
track_pid "$first"
wait_for 10 "the first runs" grep -q name first.out
sees_screen

note "the agent is killed: its session ends, a new agent takes over"
kill -KILL "$AGENT"
wait "$first" && fail "a session without an agent" || true
agent_in_ns
heals "killed agent"

note "the control line is lost, the session lives on"
: >agent.log
control=$(ip netns exec "$NS" ss -Htn state established "dport = :$TLS" | awk '{ print $3 }')
vnc-probe -c "$(code_for kbh1.askom)" -e -n 999999999 -w 90 127.0.0.1 "$VIEWERS" >first.out &
first=$!
track_pid "$first"
wait_for 10 "the first runs" grep -q name first.out
ip netns exec "$NS" nft -f - <<-NFT
	table inet cut {
		chain out {
			type filter hook output priority 0
			tcp sport ${control##*:} reject with tcp reset
		}
	}
NFT
wait_for 15 "the agent notices" grep -q "calling again" agent.log
ip netns exec "$NS" nft delete table inet cut
heals "lost control line"
kill -0 "$first" || fail "the session ended with the control line"
stop_pid "$first"

note "the network of the machine fails, for 5 and for 20 s"
for seconds in 5 20; do
	ip link set "$NS" down
	sleep "$seconds"
	ip link set "$NS" up
	heals "network down for $seconds s"
done

note "packets are lost without a word"
nft -f - <<-NFT
	table inet $NS {
		chain in {
			type filter hook input priority 0
			iifname "$NS" drop
		}
	}
NFT
at_exit "nft delete table inet $NS 2>/dev/null || true"
sleep 14
nft delete table inet "$NS"
heals "black hole"

note "the proxy restarts"
stop_pid "$PROXY" KILL
proxy_start
heals "killed proxy"
stop_pid "$PROXY"
proxy_start
heals "restarted proxy"

note "a second agent of the same machine takes over"
old=$AGENT
agent_in_ns
wait_for 10 "the first is told" grep -q "another agent has registered" agent.log
stop_pid "$old"
heals "replaced agent"
