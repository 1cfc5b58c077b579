#!/bin/bash
# Neither end learns who the other is: whole sessions are recorded at both ends, and searched for the other's
# host name, address, machine, user and words. A server renames its desktop half-way; another refuses.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/vnc.sh"
need jq perl vncconfig tigervncpasswd xtigervncviewer

# tap NAME PORT: what passes to this port is recorded. Sets TAP, the port to use instead.
tap()
{
	TAP=$(free_port)
	"$top_srcdir/tests/lib/chop.pl" "$TAP" "$2" log "$T/$1" >"$T/$1.log" 2>&1 &
	track_pid $!
	wait_for 10 "the tap listens" listens "$TAP"
}

proxy_new "Title: A desktop"
proxy_start
HOST_NAME=$(uname -n)
server_start first-secret-name -SecurityTypes None
server_display=$SERVER_DISPLAY server_port=$SERVER_PORT
tap server "$SERVER_PORT"
agent_conf kbh1.askom "127.0.0.1:$TAP"
agent_start kbh1.askom
tap viewer "$VIEWERS"
viewer_port=$TAP
server_start eye -SecurityTypes None
eye=$SERVER_DISPLAY

# watch PORT CODE: TigerVNC's viewer, which asks for a desktop's name. Sets WATCHER.
watch()
{
	printf '%s\n' "$2" | tigervncpasswd -f >viewer.passwd
	DISPLAY=$eye xtigervncviewer -passwd viewer.passwd "127.0.0.1::$1" >viewer.log 2>&1 &
	WATCHER=$!
	track_pid $WATCHER
}

# rename NAME, and have something drawn after it
rename()
{
	vncconfig -display "$server_display" -set "desktop=$1"
	xsetroot -display "$server_display" -solid "#$(printf '%06x' $((RANDOM * 256 + RANDOM)))"
}

holds() { grep -qaF -e "$2" "$1"; }
# both FILE TEXT: in ASCII, and in UTF-16
absent()
{
	! holds "$1" "$2" || fail "$1 holds $2"
	perl -0777 -ne 'BEGIN { $t = shift; $t = join "\0", split //, $t } exit(index($_, $t) >= 0)' "$2" "$1" ||
		fail "$1 holds $2, in 16 bits"
}

note "without the proxy a viewer learns both names: the recording sees what there is to see"
tap direct "$server_port"
watch "$TAP" none
wait_for 10 "the first name" holds direct.in first-secret-name
rename second-secret-name
wait_for 10 "the second name" holds direct.in second-secret-name
stop_pid $WATCHER

note "a session, with a desktop renamed half-way"
rename first-secret-name
code=$("${CTL[@]}" code kbh1.askom --user anna)
watch "$viewer_port" "$code"
wait_for 10 "the session runs" eval '"${CTL[@]}" --json sessions | jq -e ".sessions[0].running"'
wait_for 10 "the picture" eval '[ $(stat -c %s viewer.in) -gt 150 ]'
before=$(stat -c %s viewer.in)
rename third-secret-name
wait_for 10 "what was drawn" eval '[ $(stat -c %s viewer.in) -gt '"$before"' ]'
stop_pid $WATCHER
wait_for 10 "its end" test -s audit
holds server.in first-secret-name || fail "the server never said its name"
holds viewer.in "A desktop" || fail "the viewer was given no name"

note "failures: a server that refuses, an endpoint where nobody listens"
printf 'geheim12\n' | tigervncpasswd -f >vnc.passwd
echo other >vnc.password
server_start refusing -SecurityTypes VncAuth -rfbauth "$T/vnc.passwd"
tap refusing "$SERVER_PORT"
agent_conf kbh1.refusing "127.0.0.1:$TAP" "Password-File: $T/vnc.password"
agent_start kbh1.refusing
agent_conf kbh1.absent "127.0.0.1:$(free_port)"
agent_start kbh1.absent
for machine in kbh1.refusing kbh1.absent; do
	run_exit 1 vnc-probe -c "$(code_for $machine)" 127.0.0.1 "$viewer_port"
	contains "$T/out" "reason The machine"
done
holds refusing.in "Authentication failure" || fail "the server gave no reason"

note "what the viewer was told"
for secret in first-secret-name second-secret-name third-secret-name refusing absent "$HOST_NAME" askom kbh1 anna \
	127.0.0.1 localhost "Authentication failure" geheim12 "$server_port" vncagent; do
	absent viewer.in "$secret"
done
note "what the servers were told"
for secret in "$HOST_NAME" anna 127.0.0.1 localhost "$code" "$VIEWERS" "$viewer_port" vncproxyd; do
	absent server.out "$secret"
	absent refusing.out "$secret"
done
