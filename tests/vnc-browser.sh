#!/bin/bash
# A browser with nothing installed: log in, see the machines that one may use, open a desktop, click and type in
# it; and what the page does not do.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/vnc.sh"
. "$top_srcdir/tests/lib/browser.sh"
need jq curl perl xev xsetroot xtigervncviewer
[ -e /usr/share/novnc/core/rfb.js ] || skip "novnc is not installed"

proxy_new "Web: $top_srcdir/remote/web" "Users: $T/users"
printf 'geheim12\n' | "${CTL[@]}" user set anna
printf 'other\n' | "${CTL[@]}" user set bo
equal "$("${CTL[@]}" user list | paste -sd ' ')" "anna bo" "the users"
proxy_start
server_start eye -SecurityTypes None
EYE=$SERVER_DISPLAY
server_start '<b id="injected">secret-desktop</b>' -SecurityTypes None
# A desktop of one colour, with a window that tells what arrives.
xsetroot -display "$SERVER_DISPLAY" -solid '#3366aa'
xev -display "$SERVER_DISPLAY" -geometry 200x200+0+0 >xev.log 2>&1 &
track_pid $!
agent_conf kbh1.askom "127.0.0.1:$SERVER_PORT"
agent_start kbh1.askom
page=https://127.0.0.1:$TLS

note "who is not logged in, or comes from elsewhere, gets nothing"
# ask STATUS CURL-ARGUMENT...
ask()
{
	local want=$1 got
	shift
	got=$(curl -sk --noproxy '*' --path-as-is --max-time 10 -o "$T/out" -D "$T/head" -w '%{http_code}' "$@")
	equal "$got" "$want" "HTTP status of $*"
}
ask 200 "$page/"
contains head "frame-ancestors 'none'"
ask 401 "$page/api/machines"
ask 403 -d machine=kbh1.askom "$page/api/code"
ask 403 -H "Origin: https://elsewhere.example" -d "user=anna&password=geheim12" "$page/api/login"
ask 403 -H "Origin: $page" -d "user=anna&password=wrong" "$page/api/login"
ask 403 -H "Origin: $page" -d "user=nobody&password=geheim12" "$page/api/login"
for path in /../proxy.conf /novnc/core/../../../etc/passwd '/novnc/core/..%2f..%2f..%2fetc/passwd' \
	//host/%2F.. /novnc/vnc.html /novnc/core/ /machines; do
	got=$(curl -sk --noproxy '*' --path-as-is --max-time 10 -o "$T/out" -w '%{http_code}' "$page$path")
	[[ $got = 40[04] ]] || fail "$path: $got"
done
ask 403 -H "Connection: Upgrade" -H "Upgrade: websocket" -H "Sec-WebSocket-Version: 13" \
	-H "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==" -H "Origin: https://elsewhere.example" "$page/websocket"
ask 400 -H "Origin: $page" "$page/websocket"
ask 405 -d x "$page/index.html"

note "log in"
browser_start
browser_go "$page/"
wait_for 20 "the form" eval '[ "$(browser_js "return document.querySelector(\"#login\").hidden")" = false ]'
browser_type "input[name=user]" anna
browser_type "input[name=password]" wrong
browser_click "#login button"
browser_shows "Name or password is wrong."
browser_js 'document.querySelector("input[name=password]").value = ""' >/dev/null
browser_type "input[name=password]" geheim12
browser_click "#login button"
browser_shows kbh1.askom
browser_screenshot list.png

note "a code to type elsewhere"
browser_click "#machines summary"
browser_click "#machines .mint"
wait_for 10 "a code" eval '[[ $(browser_js "return document.querySelector(\"output\").textContent") =~ [2-9a-z]{8} ]]'
probe 0 -c "$(browser_js 'return document.querySelector("output").textContent' | jq -r .)"

note "files for viewers"
# profile KIND: the file, in $T/profile
profile()
{
	browser_js "return fetch('/api/profile', { method: 'POST', body: new URLSearchParams({ machine: 'kbh1.askom',
		kind: '$1' }) }).then(r => r.text())" | jq -r . >profile
}
profile vv
contains profile "host=127.0.0.1"
contains profile "port=$VIEWERS"
probe 0 -c "$(sed -n 's/^password=//p' profile)"
profile vnc
contains profile "Port=$VIEWERS"
sed -n 's/^Password=//p' profile | perl -ne 'chomp; print pack("H*", $_)' >viewer.passwd
DISPLAY=$EYE HOME=$T timeout 10 xtigervncviewer -RemoteResize=0 -passwd viewer.passwd "127.0.0.1::$VIEWERS" >viewer.log 2>&1 &
viewer=$!
track_pid "$viewer"
wait_for 10 "its password opens the session" eval '"${CTL[@]}" --json sessions | jq -e ".sessions[0].running"'
stop_pid "$viewer"
profile ssvnc
contains profile "disp=127.0.0.1:$VIEWERS"
contains profile "use_ssl=0"
profile other
contains profile "no such kind"

note "the desktop: what is seen, clicked and typed"
browser_click "#machines .open"
wait_for 20 "the desktop" eval '[ "$(browser_js "return document.querySelectorAll(\"#screen canvas\").length")" -gt 0 ]'
wait_for 20 "its picture" eval 'browser_js "
	const canvas = document.querySelector(\"#screen canvas\");
	return canvas.width + \"x\" + canvas.height" | grep -q 320x240'
wait_for 20 "it is connected" eval '"${CTL[@]}" --json sessions | jq -e ".sessions[0].running and .sessions[0].user == \"anna\""'
# pixel X Y: of the desktop, as "r,g,b"
pixel()
{
	browser_js "return [...document.querySelector('#screen canvas').getContext('2d').getImageData($1, $2, 1, 1).data]
		.slice(0, 3).join(',')" | jq -r .
}
wait_for 10 "its colour" eval '[ "$(pixel 300 220)" = 51,102,170 ]'
for red in $(seq 20 20 240); do
	xsetroot -display "$SERVER_DISPLAY" -solid "#$(printf %02x "$red")5a5a"
	wait_for 5 "what is drawn later, $red" eval '[ "$(pixel 300 220)" = "$red,90,90" ]'
	sleep 0.3
done
browser_click "#screen canvas"
wait_for 10 "the click arrives" grep -q ButtonPress xev.log
for key in w a y; do
	browser POST /actions "{\"actions\": [{\"type\": \"key\", \"id\": \"keyboard\", \"actions\": [
		{\"type\": \"keyDown\", \"value\": \"$key\"}, {\"type\": \"keyUp\", \"value\": \"$key\"}]}]}" >/dev/null
done
wait_for 10 "what is typed arrives" grep -q 'keysym 0x79, y' xev.log
contains xev.log "keysym 0x77, w"
browser_screenshot desktop.png
[ -z "${SCREENSHOTS:-}" ] || cp list.png desktop.png "$SCREENSHOTS/"
browser_js 'return document.documentElement.innerHTML' >html
lacks html secret-desktop
equal "$(browser_js 'return document.getElementById("injected")')" null "HTML in a desktop's name"

note "leave, log out"
browser_click "#leave"
wait_for 10 "the session ends" eval '"${CTL[@]}" --json sessions | jq -e ".sessions == []"'
audited '"user":"anna"'
browser_click "#logout"
browser_shows "Log in"
equal "$(browser_js 'return fetch("/api/machines").then(r => r.status)')" 401 "after logging out"

note "another user sees no machine, and gets no code"
browser_type "input[name=user]" bo
browser_type "input[name=password]" other
browser_click "#login button"
browser_shows "There is no machine that you may use."
equal "$(browser_js 'return fetch("/api/code", { method: "POST", body: "machine=kbh1.askom" }).then(r => r.status)')" \
	403 "a code for who may not"

note "who guesses passwords waits longer each time"
before=$(date +%s%N)
for _ in 1 2 3; do
	ask 403 -H "Origin: $page" -d "user=anna&password=wrong" "$page/api/login"
done
[ $((($(date +%s%N) - before) / 1000000)) -gt 1500 ] || fail "three guesses cost nothing"
