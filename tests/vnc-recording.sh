#!/bin/bash
# Sessions of a machine are recorded: what was seen is seen again, by other viewers with other formats and
# in a browser, by those who may; and there is no such session without its recording.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/vnc.sh"
. "$top_srcdir/tests/lib/browser.sh"
need jq curl perl xsetroot vncsnapshot xtigervncviewer
[ -e /usr/share/novnc/core/rfb.js ] || skip "novnc is not installed"

recordings=$T/recordings
proxy_new "Recordings: $recordings" "Web: $top_srcdir/remote/web" "Users: $T/users" "Title: A desktop"
printf 'geheim12\n' | "${CTL[@]}" user set anna
printf 'geheim12\n' | "${CTL[@]}" user set audit
proxy_start
server_start secret-desktop -SecurityTypes None
"${CTL[@]}" --quiet machine add kbh1.askom --user anna --auditor audit --record >kbh1.askom.pem
agent_conf kbh1.askom "127.0.0.1:$SERVER_PORT"
agent_start kbh1.askom
paint() { xsetroot -display "$SERVER_DISPLAY" -solid "$1"; }
newest() { "${CTL[@]}" --json recordings | jq -r '.recordings[-1].recording'; }
count() { find "$recordings" -name '*.fbs' | wc -l; }
# seen PORT CODE: what libvncclient sees there, "320x240 RRGGBB"
seen() { timeout 20 vnc-client 127.0.0.1 "$1" "$2" 2>/dev/null; }
running() { "${CTL[@]}" --json sessions | jq -e '.sessions[0].running'; }

note "a session, of which its user is told"
equal "$("${CTL[@]}" --json recordings | jq -c .recordings)" "[]" "recordings before there was a session"
paint '#3366aa'
probe 0 -c "$(code_for kbh1.askom)"
contains "$T/out" "name A desktop (recorded)"
equal "$(seen "$VIEWERS" "$(code_for kbh1.askom)")" "320x240 3366aa" "the session"
audited '"recording":"kbh1.askom_2'
recording=$(newest)
equal "$(stat -c %a "$recordings/$recording")" 640 "its mode"
paint '#000000'

note "it is played, where the machine is not"
stop_pid "$AGENT"
code=$("${CTL[@]}" play "$recording")
equal "$(seen "$VIEWERS" "$code")" "320x240 3366aa" "what is played"
audited '"plays":"kbh1.askom_2'
equal "$(count)" 1 "recordings: neither who saw nothing nor playing makes one"
run_exit 1 "${CTL[@]}" play kbh1.askom_20990101T000000Z_1.fbs
run_exit 1 "${CTL[@]}" play ../proxy.conf
agent_start kbh1.askom

note "without a proxy"
player=$(free_port)
vncproxyd --replay "$recordings/$recording" --listen "127.0.0.1:$player" &
track_pid $!
wait_for 10 "the player listens" listens "$player"
equal "$(seen "$player" "")" "320x240 3366aa" "what is played"
wait_for 10 "the player ends with its viewer" eval '! kill -0 $!'

# A viewer that shows what it sees at the display $EYE.
server_start eye -SecurityTypes None
EYE=$SERVER_DISPLAY
server_start secret-desktop -SecurityTypes None
agent_conf kbh1.askom "127.0.0.1:$SERVER_PORT"
stop_pid "$AGENT"
agent_start kbh1.askom
# final: the last picture of the newest recording
final()
{
	local port status=0
	port=$(free_port)
	vnc-replay --quiet --from 1h --listen "127.0.0.1:$port" "$recordings/$(newest)" &
	track_pid $!
	wait_for 10 "the player listens" listens "$port"
	timeout 20 vnc-client 127.0.0.1 "$port" "" 1 2>/dev/null || status=$?
	wait $! || true
	return $status
}

note "whatever a viewer's pixel format and encoding was, another viewer sees the same"
for how in "-FullColor=0 -LowColorLevel=2" "-FullColor=0 -LowColorLevel=1" -PreferredEncoding=Raw \
	-PreferredEncoding=ZRLE -PreferredEncoding=Hextile "-PreferredEncoding=Tight -QualityLevel=9"; do
	paint '#ff0000'
	code_for kbh1.askom | tigervncpasswd -f >viewer.passwd
	# shellcheck disable=SC2086 # several options
	DISPLAY=$EYE HOME=$T timeout 20 xtigervncviewer $how -AutoSelect=0 -SecurityTypes VncAuth \
		-passwd viewer.passwd "127.0.0.1::$VIEWERS" >viewer.log 2>&1 &
	viewer=$!
	track_pid "$viewer"
	wait_for 10 "$how: the session" running
	sleep 0.5
	paint '#0000ff'
	sleep 0.5
	stop_pid "$viewer"
	wait_for 10 "it ends" eval '! running'
	equal "$(seen "$VIEWERS" "$("${CTL[@]}" play "$(newest)")")" "320x240 ff0000" "$how: how it began"
	equal "$(final)" "320x240 0000ff" "$how: how it ended"
done
# What a viewer of 16 bits says: SetPixelFormat, SetEncodings, FramebufferUpdateRequest.
format=0000000010100001001f003f001f0b0500000000 raw=0200000100000000 whole=030000000000014000f0
paint '#ff0000'
probe 0 -c "$(code_for kbh1.askom)" -n 153600 \
	-x "$format$raw$whole"
equal "$(final)" "320x240 ff0000" "16 bits"

note "what cannot be recorded is no session"
probe 1 -c "$(code_for kbh1.askom)" -n 307200 -x "$format$raw$whole${format/10100001/20180001}"
audited "the viewer changes its pixel format, and is recorded"
probe 1 -c "$(code_for kbh1.askom)" -n 1 -x "${format/10100001/10100101}$whole"
audited "the viewer's pixel format cannot be recorded"
# The same one again changes nothing.
probe 0 -c "$(code_for kbh1.askom)" -n 153600 -x "$format$raw$whole$format"
wait_for 10 "it ends" eval '! running'
audited "both ends have finished"

note "a full disk ends the session"
mkdir "$T/small"
mount -t tmpfs -o size=128k waybill-test "$T/small" || skip "cannot mount a tmpfs"
at_exit "umount '$T/small'"
stop_pid "$PROXY"
sed -i "s|^Recordings: .*|Recordings: $T/small|" proxy.conf
proxy_start
wait_for 20 "the agent is back" is_connected kbh1.askom
probe 1 -c "$(code_for kbh1.askom)" -e -n 307200
audited "write the recording: No space left on device"
probe 1 -c "$(code_for kbh1.askom)"
contains "$T/out" "reason The session cannot be recorded, as it must be."
stop_pid "$PROXY"
sed -i "s|^Recordings: .*|Recordings: $recordings|" proxy.conf
# A block without an end: what was written when the proxy was killed.
printf '\0\0\1\0and' >>"$recordings/$recording"
proxy_start

note "in a browser: who is no auditor sees none"
page=https://127.0.0.1:$TLS
log_in()
{
	browser_type "input[name=user]" "$1"
	browser_type "input[name=password]" geheim12
	browser_click "#login button"
}
browser_start
browser_go "$page/"
wait_for 20 "the form" eval '[ "$(browser_js "return document.querySelector(\"#login\").hidden")" = false ]'
log_in anna
browser_shows kbh1.askom
equal "$(browser_js 'return document.querySelector("#recorded").hidden')" true "recordings are hidden"
play_it="return fetch('/api/code', { method: 'POST', body: 'recording=$recording' }).then(r => r.status)"
equal "$(browser_js "$play_it")" 403 "a code for who may not"
paint '#00ff00'
wait_for 20 "the agent is back" is_connected kbh1.askom
# pixel: in the middle of what the page shows
pixel()
{
	browser_js 'const canvas = document.querySelector("#screen canvas");
		return canvas ? canvas.getContext("2d").getImageData(160, 180, 1, 1).data.slice(0, 3).join() : ""' |
		jq -r .
}
browser_shows recorded
wait_for 10 "it can be opened" eval '[ "$(browser_js "return document.querySelector(\".open\").disabled")" = false ]'
browser_click .open
wait_for 20 "its picture" eval '[ "$(pixel)" = 0,255,0 ]'
equal "$(browser_js 'return document.querySelector("#desktop .state").textContent')" '"recorded"' "what Anna is told"
browser_click "#leave"
wait_for 10 "it ends" eval '! running'
equal "$(final)" "320x240 00ff00" "what noVNC saw"
browser_click "#logout"
browser_shows "Log in"

note "who is sees them, and plays one"
log_in audit
browser_shows Recordings
equal "$(browser_js 'return document.querySelectorAll("#machines li").length')" 0 "machines that an auditor may use"
equal "$(browser_js 'return document.querySelectorAll("#recordings li").length')" "$(count)" "recordings in the page"
browser_screenshot recordings.png
browser_js "document.querySelector('[data-recording=\"$recording\"] .play').click()" >/dev/null
wait_for 20 "its picture" eval '[ "$(pixel)" = 51,102,170 ]'
browser_screenshot playing.png
[ -z "${SCREENSHOTS:-}" ] || cp recordings.png playing.png "$SCREENSHOTS/"
wait_for 20 "it ends, and the page is back" eval '[ "$(browser_js "return document.querySelector(\"#list\").hidden")" = false ]'

note "who may no longer, sees no longer"
wait_for 20 "the agent is back" is_connected kbh1.askom
vnc-probe -c "$("${CTL[@]}" code kbh1.askom --user anna)" -e -n 999999999 -w 60 127.0.0.1 "$VIEWERS" >probe.out &
viewer=$!
track_pid "$viewer"
wait_for 10 "the session runs" running
sed -i 's/^Users: anna/Users: bo/' machines/kbh1.askom
"${CTL[@]}" reload
wait "$viewer" && fail "it went on" || true
audited "the user may do this no longer"
