#!/bin/bash
# The whole way: the desktop appliance is built from its recipe, published, pulled and started by a site; its agent
# dials the proxy; a browser shows its desktop, and a click and typed text arrive in it.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
. "$top_srcdir/tests/lib/spine.sh"
. "$top_srcdir/tests/lib/vnc.sh"
. "$top_srcdir/tests/lib/browser.sh"
need_root
need_libvirt
need mmdebstrap jq

note "the proxy, and the machine's key"
proxy_new "Web: $top_srcdir/remote/web" "Users: $T/users"
printf 'geheim12\n' | "${CTL[@]}" user set anna
proxy_start
"${CTL[@]}" --quiet machine add kbh1.desktop --user anna >vncagent.pem

note "the appliance, from its recipe"
cp -r "$top_srcdir/imagepkg/recipes" recipes
# Emulated, code at the same place each time is translated once.
sed -i "s#^ /usr/sbin/vncagent # $top_builddir/remote/vncagent #; s/^Kernel-Args: .*/& norandmaps/" recipes/vnc-agent/recipe
imagepkg build -o . recipes/vnc-agent >&2
spine_init vnc-agent_1.0_amd64.deb
imagerepo site assign kbh1 vnc-agent >&2
# A machine behind QEMU's own network reaches the host's loopback there.
imagerepo site param kbh1 vnc-agent MACHINE=kbh1.desktop "PROXY=10.0.2.2:$TLS" \
	"PROXY_PIN=$("${CTL[@]}" pin)" "IDENTITY=$(base64 -w 0 vncagent.pem)" >&2
sync_site
wait_for 600 "its agent has registered" is_connected kbh1.desktop

# guest COMMAND...: succeeds in the guest
guest() { appliance --root "$SITE_ROOT" exec vnc-agent -- "$@"; }

note "in a browser"
browser_start
# What was to be seen at the end, and what the guest said, to be looked at by a person.
[ -z "${SCREENSHOTS:-}" ] || at_exit 'browser_screenshot "$SCREENSHOTS/appliance.png"; guest journalctl -b -u desktop >"$SCREENSHOTS/journal" 2>&1'
browser_go "https://127.0.0.1:$TLS/"
wait_for 20 "the form" eval '[ "$(browser_js "return document.querySelector(\"#login\").hidden")" = false ]'
browser_type "input[name=user]" anna
browser_type "input[name=password]" geheim12
browser_click "#login button"
browser_shows kbh1.desktop
browser_click "#machines .open"

# pixel X Y: of the desktop, as "r,g,b"
pixel()
{
	browser_js "const canvas = document.querySelector('#screen canvas');
		return canvas && [...canvas.getContext('2d').getImageData($1, $2, 1, 1).data].slice(0, 3).join(',')" | jq -r .
}
wait_for 60 "its background" eval '[ "$(pixel 1000 740)" = 40,64,92 ]'
wait_for 300 "its terminal" eval '[ "$(pixel 300 300)" = 255,255,255 ]'

wait_for 120 "the guest answers" guest true
# The click gives the terminal the focus; the cursor is in the middle of the canvas, which the terminal covers.
browser_click "#screen canvas"
keys=$(jq -n '[("touch typed\n" | split("")[]) | {type: "keyDown", value: (if . == "\n" then "\ue007" else . end)},
	{type: "keyUp", value: (if . == "\n" then "\ue007" else . end)}]')
browser POST /actions "$(jq -n --argjson keys "$keys" '{actions: [{type: "key", id: "keyboard", actions: $keys}]}')" >/dev/null
wait_for 60 "what was typed has been done" guest test -e /home/desktop/typed

note "off the list: the machine is gone, and the proxy says so"
imagerepo site unassign kbh1 vnc-agent >&2
sync_site
wait_for 30 "its agent has left" eval '! is_connected kbh1.desktop'
