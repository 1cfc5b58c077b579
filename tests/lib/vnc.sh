# shellcheck shell=bash
# A proxy, agents and VNC servers on loopback; source after lib.sh.

# proxy_new [CONFIG LINE...]: a proxy's files. Sets VIEWERS, TLS (ports), and CTL for vncproxyctl.
proxy_new()
{
	need openssl Xtigervnc
	VIEWERS=$(free_port)
	TLS=$(free_port)
	mkdir -p "$T/machines"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/key.pem" \
		-out "$T/cert.pem" -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		2>"$T/openssl.log"
	cat >"$T/proxy.conf" <<-CONF
		Viewers: 127.0.0.1:$VIEWERS
		TLS: 127.0.0.1:$TLS
		Certificate: $T/cert.pem
		Key: $T/key.pem
		Machines: $T/machines
		Control: $T/control
		Audit: $T/audit
	CONF
	printf '%s\n' "$@" | grep . >>"$T/proxy.conf" || true
	CTL=(vncproxyctl --config "$T/proxy.conf")
}

proxy_start()
{
	vncproxyd --config "$T/proxy.conf" run >>"$T/proxy.log" 2>&1 &
	PROXY=$!
	track_pid "$PROXY"
	wait_for 10 "the proxy listens" listens "$VIEWERS"
	wait_for 10 "the proxy can be asked" "${CTL[@]}" sessions
}

# agent_conf MACHINE ENDPOINT [LINE...]: its file, and its key, which the proxy knows.
agent_conf()
{
	local machine=$1 endpoint=$2
	shift 2
	[ -e "$T/$machine.pem" ] || "${CTL[@]}" --quiet machine add "$machine" --user anna >"$T/$machine.pem"
	{
		echo "Machine: $machine"
		echo "Proxy: 127.0.0.1:$TLS"
		echo "Proxy-Pin: $("${CTL[@]}" pin)"
		echo "Identity: $T/$machine.pem"
		echo "Endpoint: $endpoint"
		printf '%s\n' "$@" | grep . || true
	} | tac | sort -u -s -t: -k1,1 >"$T/$machine.conf"
}

# agent_start MACHINE: sets AGENT, its process.
agent_start()
{
	vncagent --config "$T/$1.conf" run >>"$T/$1.log" 2>&1 &
	AGENT=$!
	track_pid "$AGENT"
	wait_for 10 "the agent of $1 is registered" is_connected "$1"
}

is_connected()
{
	"${CTL[@]}" --json machine list | jq -e --arg name "$1" \
		'.machines[] | select(.name == $name) | .connected'
}

code_for()
{
	"${CTL[@]}" code "$1"
}

# server_start NAME OPTION...: an Xtigervnc with this desktop name. Sets SERVER_PORT, SERVER_DISPLAY and
# SERVER, its process.
server_start()
{
	local name=$1
	shift
	SERVER_PORT=$(free_port)
	# Displays are the machine's own; a port of ours is nobody else's, so is a display of that number.
	SERVER_DISPLAY=:$SERVER_PORT
	Xtigervnc "$SERVER_DISPLAY" -rfbport "$SERVER_PORT" -localhost -geometry 320x240 -depth 24 \
		-desktop "$name" "$@" >"$T/server-$SERVER_PORT.log" 2>&1 &
	SERVER=$!
	track_pid "$SERVER"
	wait_for 20 "the VNC server listens" listens "$SERVER_PORT"
}

# probe STATUS [OPTION]...: vnc-probe at the viewers' port; its words are left in $T/out.
probe()
{
	local want=$1
	shift
	run_exit "$want" vnc-probe "$@" 127.0.0.1 "$VIEWERS"
}

# audited TEXT: of the last line of the audit
audited()
{
	tail -n 1 "$T/audit" >"$T/last"
	contains "$T/last" "$1"
}
