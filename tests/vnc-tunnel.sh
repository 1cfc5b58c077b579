#!/bin/bash
# A port of a machine that only dials out: ssh by waybill-connect, a web page by curl's own CONNECT; both ways out
# through an HTTP proxy; and what is not allowed.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/vnc.sh"
need jq curl ssh python3 tinyproxy socat

proxy_new "Users: $T/users"
proxy_start
for user in anna bo eva; do
	printf '%s\n' "geheim-$user" | "${CTL[@]}" user set "$user"
	printf '%s\n' "geheim-$user" >"$user.password"
done
start_sshd
web=$(free_port)
echo_port=$(free_port)
mkdir www
head -c 3000000 /dev/urandom >www/blob
(cd www && exec python3 -m http.server --bind 127.0.0.1 "$web" >"$T/web.log" 2>&1) &
track_pid $!
# Answers when its input has ended: only a half-closed line can carry that.
socat "TCP-LISTEN:$echo_port,bind=127.0.0.1,fork,reuseaddr" 'SYSTEM:sha256sum' &
track_pid $!
wait_for 10 "the web server listens" listens "$web"
"${CTL[@]}" --quiet machine add kbh1.askom --user anna --watcher eva --port "$SSHD_PORT" --port "$web" \
	--port "$echo_port" --port 9 >kbh1.askom.pem
agent_conf kbh1.askom 127.0.0.1:5900 "Allow: 127.0.0.1:$SSHD_PORT 127.0.0.1:$web 127.0.0.1:$echo_port"
agent_start kbh1.askom
pin=$("${CTL[@]}" pin)

# reach USER PORT [OPTION...]
reach()
{
	local user=$1 port=$2
	shift 2
	waybill-connect --proxy "127.0.0.1:$TLS" --pin "$pin" --user "$user" --password-file "$T/$user.password" "$@" \
		kbh1.askom "$port"
}

note "ssh"
ssh-keygen -q -t ed25519 -N '' -f key
cat key.pub >"$SSHD_AUTHORIZED_KEYS"
cat >ssh_config <<-CONF
	Host kbh1.askom
	  ProxyCommand waybill-connect --proxy 127.0.0.1:$TLS --pin $pin --user anna --password-file $T/anna.password kbh1.askom $SSHD_PORT
	  UserKnownHostsFile $SSHD_KNOWN_HOSTS
	  HostKeyAlias [127.0.0.1]:$SSHD_PORT
	  IdentityFile $T/key
	  User root
CONF
equal "$(ssh -F ssh_config kbh1.askom echo over the proxy)" "over the proxy" "ssh"
head -c 5000000 /dev/urandom >sent
ssh -F ssh_config kbh1.askom cat <sent >received
cmp sent received || fail "ssh lost something"

note "a half-closed line carries the answer"
equal "$(reach anna "$echo_port" <sent)" "$(sha256sum <sent)" "the sum of what was sent"

note "curl's CONNECT"
curl -sS --proxy "https://localhost:$TLS" --proxy-cacert cert.pem --proxy-user anna:geheim-anna \
	--noproxy '' --proxytunnel --max-time 20 -o blob "http://kbh1.askom:$web/blob"
cmp blob www/blob || fail "the page is another"

note "what is not allowed"
run_exit 3 reach bo "$web"
contains "$T/err" "You may not use this port"
run_exit 3 reach eva "$web"
run_exit 3 reach anna 22
echo wrong >anna.wrong
cp anna.wrong bo.password
run_exit 3 reach bo "$web"
contains "$T/err" "name or password is wrong"
# The operator lets it pass, the machine does not.
run_exit 1 reach anna 9
contains "$T/err" "502"
contains kbh1.askom.log "asks for 127.0.0.1 port 9, which is not allowed"
run_exit 1 waybill-connect --proxy "127.0.0.1:$TLS" --user anna --password-file anna.password kbh1.askom "$web"
contains "$T/err" "certificate"
run_exit 2 waybill-connect --user anna kbh1.askom "$web"
[ "$(curl -sk --noproxy '*' -o "$T/out" -w '%{http_connect}' --proxy-insecure --proxy "https://127.0.0.1:$TLS" --noproxy '' \
	--proxytunnel --max-time 10 "http://kbh1.askom:$web/" || true)" = 407 ] || fail "no password, and not 407"

note "both ways out through an HTTP proxy"
out=$(free_port)
cat >tinyproxy.conf <<-CONF
	Port $out
	Listen 127.0.0.1
	LogFile "$T/tinyproxy.log"
	ConnectPort $TLS
CONF
tinyproxy -d -c "$T/tinyproxy.conf" >/dev/null 2>&1 &
track_pid $!
wait_for 10 "the HTTP proxy listens" listens "$out"
stop_pid "$AGENT"
agent_conf kbh1.askom 127.0.0.1:5900 "Allow: 127.0.0.1:$web 127.0.0.1:$echo_port" "HTTP-Proxy: 127.0.0.1:$out"
agent_start kbh1.askom
# tinyproxy ends a line of which one half is closed, so standard input stays open: the answer ends it.
reach anna "$web" --http-proxy "127.0.0.1:$out" >answer < <(printf 'GET /blob HTTP/1.0\r\n\r\n'; sleep 20)
tail -c 3000000 answer | cmp - www/blob || fail "the page is another through two proxies"
[ "$(grep -c "CONNECT 127.0.0.1:$TLS" tinyproxy.log)" -ge 3 ] || fail "it took another way"
run_exit 1 reach anna "$echo_port" --http-proxy 127.0.0.1:1

note "a machine that is removed"
(reach anna "$echo_port" >tunnel.out 2>tunnel.err < <(sleep 30) || echo $? >tunnel.status) &
track_pid $!
wait_for 10 "the tunnel is there" eval '"${CTL[@]}" --json machine list | jq -e ".machines[0].sessions == 1"'
"${CTL[@]}" machine remove kbh1.askom
wait_for 10 "the tunnel ends" test -s tunnel.status
contains proxy.log "the machine was removed"
