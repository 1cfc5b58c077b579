#!/bin/bash
# A viewer sees a machine's screen through the proxy: every version of RFB, a byte at a time, with and
# without a password; codes are good once and for a minute; what the operator can see and end.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/vnc.sh"
need jq tigervncpasswd

note "codes"
proxy_new "Title: A desktop" "Viewers-TLS: offered"
proxy_start
server_start secret-desktop -SecurityTypes None
agent_conf kbh1.askom "127.0.0.1:$SERVER_PORT"
run_exit 1 "${CTL[@]}" code kbh2.askom
contains "$T/err" "no machine is called 'kbh2.askom'"
run_exit 3 "${CTL[@]}" code kbh1.askom --user bo
contains "$T/err" "bo may not use kbh1.askom"
probe 1 -c "$(code_for kbh1.askom)"
contains "$T/out" "reason The machine is not connected at the moment."
audited '"why":"no agent is there"'
agent_start kbh1.askom
code=$(code_for kbh1.askom)
[[ $code =~ ^[2-9a-hjkmnp-z]{8}$ ]] || fail "no code: $code"
probe 0 -c "$code"
contains "$T/out" "version RFB 003.008"
contains "$T/out" "types 2 19"
contains "$T/out" "size 320x240"
contains "$T/out" "name A desktop"
probe 1 -c "$code"
contains "$T/out" "reason No machine has this code, or its time is over."

note "every version, slowly"
for version in 3.3 3.7 3.8 3.889; do
	for how in "" -1; do
		# shellcheck disable=SC2086 # none or one
		probe 0 -c "$(code_for kbh1.askom)" -v "$version" $how -e -n 307200
		contains "$T/out" "size 320x240"
		contains "$T/out" enough
	done
done

note "a server with a password"
printf 'geheim12\n' >vnc.password
tigervncpasswd -f <vnc.password >vnc.passwd
server_start guarded -SecurityTypes VncAuth -rfbauth "$T/vnc.passwd"
agent_conf kbh1.guarded "127.0.0.1:$SERVER_PORT" "Password-File: $T/vnc.password"
agent_start kbh1.guarded
probe 0 -c "$(code_for kbh1.guarded)" -e -n 307200
echo wrong >vnc.password
probe 1 -c "$(code_for kbh1.guarded)"
contains "$T/out" "reason The machine's screen refuses."
audited "the VNC server refuses"
rm vnc.password
probe 1 -c "$(code_for kbh1.guarded)"
contains "$T/out" "reason The machine's screen"

note "the identifier of 2009"
"${CTL[@]}" machine remove kbh1.guarded
stop_pid "$AGENT"
rm kbh1.guarded.pem
"${CTL[@]}" --quiet machine add kbh1.guarded --job 354887_1_20_2009__18_4_26_mig-1.imada.sdu.dk.0 \
	>"$T/kbh1.guarded.pem"
printf 'geheim12\n' >vnc.password
agent_conf kbh1.guarded "127.0.0.1:$SERVER_PORT" "Password-File: $T/vnc.password"
agent_start kbh1.guarded
probe 0 -c '^HbD)GJo'
probe 0 -c '^HbD)GJo'
run_exit 1 "${CTL[@]}" machine add kbh1.guarded
contains "$T/err" "is there already"

note "VeNCrypt: a viewer that wants TLS gets it, one that trusts another certificate does not come in"
server_start eye -SecurityTypes None
# secure_viewer CERTIFICATE: sees the screen?
secure_viewer()
{
	printf '%s\n' "$(code_for kbh1.askom)" | tigervncpasswd -f >viewer.passwd
	DISPLAY=$SERVER_DISPLAY HOME=$T timeout 10 xtigervncviewer -SecurityTypes X509Vnc -X509CA "$1" \
		-passwd viewer.passwd "localhost::$VIEWERS" >viewer.log 2>&1 &
	track_pid $!
}
secure_viewer cert.pem
wait_for 10 "it runs" eval '"${CTL[@]}" --json sessions | jq -e "[.sessions[] | select(.running)] | length == 1"'
contains viewer.log "X509Vnc"
stop_pid $!
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem -days 30 \
	-subj /CN=localhost 2>>openssl.log
sessions=$(wc -l <audit)
secure_viewer other.pem
sleep 2
equal "$(wc -l <audit)" "$sessions" "sessions with a certificate that is not trusted"
stop_pid $!

note "what the operator sees, and ends"
vnc-probe -c "$(code_for kbh1.askom)" -e -n 999999999 -w 60 127.0.0.1 "$VIEWERS" >probe.out &
viewer=$!
track_pid "$viewer"
wait_for 10 "the session is shown" eval \
	'"${CTL[@]}" --json sessions | jq -e ".sessions[0].running and .sessions[0].machine == \"kbh1.askom\" and .sessions[0].bytes_to_viewer > 100000"'
"${CTL[@]}" sessions >out
contains out kbh1.askom
run_exit 1 "${CTL[@]}" end 99999
"${CTL[@]}" end "$("${CTL[@]}" --json sessions | jq '.sessions[0].session')"
wait "$viewer" && fail "it went on" || true
contains probe.out closed
audited '"why":"the operator ended it"'
jq -es 'all(.machine and .source == "127.0.0.1" and .began and .ended)' "$T/audit" >/dev/null ||
	fail "the audit is not whole"

note "a machine that is removed"
vnc-probe -c "$(code_for kbh1.askom)" -e -n 999999999 -w 60 127.0.0.1 "$VIEWERS" >probe.out &
viewer=$!
track_pid "$viewer"
wait_for 10 "the session runs" eval '"${CTL[@]}" --json sessions | jq -e ".sessions[0].running"'
"${CTL[@]}" machine remove kbh1.askom
wait "$viewer" && fail "it went on" || true
audited '"why":"the machine was removed"'
wait_for 10 "its agent was sent away" grep -q "the other end refuses" kbh1.askom.log
run_exit 1 "${CTL[@]}" code kbh1.askom

note "a configuration that is wrong changes nothing"
echo "Machine: other" >machines/kbh1.broken
run_exit 1 "${CTL[@]}" reload
contains "$T/err" "machines"
is_connected kbh1.guarded >/dev/null || fail "the others are gone"
rm machines/kbh1.broken
kill "$PROXY"
wait "$PROXY" || fail "the proxy ended with $?"

note "by itself, TLS is offered to viewers where they can trust it"
sed -i '/^Viewers-TLS/d' proxy.conf
proxy_start
probe 1 -c aaaaaaaa
grep -qx "types 2" "$T/out" || fail "with a self-signed certificate: $(cat "$T/out")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 30 \
	-subj /CN=localhost -CA other.pem -CAkey other.key 2>>openssl.log
"${CTL[@]}" reload
probe 1 -c aaaaaaaa
contains "$T/out" "types 2 19"
