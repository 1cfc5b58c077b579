#!/bin/bash
# Which viewers see the screens of which servers through the proxy: docs/interoperability.md, made anew and
# compared. A screen is seen if the picture that the viewer shows has the server's colour in it. What does not
# work must not work without the proxy either.
# UPDATE=1 writes the page.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/vnc.sh"
. "$top_srcdir/tests/lib/browser.sh"
need jq perl xwd xsetroot xdotool xtigervncviewer xtightvncviewer gvncviewer vncsnapshot x11vnc Xtightvnc \
	qemu-system-x86_64 tigervncpasswd
[ -e "$top_builddir/remote/vnc-client" ] || skip "libvncclient is not installed"

readonly SIZE=320x240 PASSWORD=geheim12
proxy_new "Web: $top_srcdir/remote/web" "Users: $T/users" "Max-Strangers-Per-Source: 100" "Rate-Per-Source: 1000"
printf 'geheim12\n' | "${CTL[@]}" user set anna
proxy_start
echo $PASSWORD >vnc.password
tigervncpasswd -f <vnc.password >vnc.passwd

# --- servers: each listens at a port of its own, and shows $COLOUR ---------------------------------

# Of a screen of X11: what xwd has for #3366aa. Of QEMU: its BIOS writes in grey.
readonly BLUE='\xaa\x66\x33' GREY='\xa8\xa8\xa8'
declare -A PORT COLOUR

paint()
{
	wait_for 10 "display $1" xsetroot -display "$1" -solid '#3366aa'
}

serve_tigervnc()
{
	server_start x "$@"
	paint "$SERVER_DISPLAY"
}

# serve_x11vnc OPTION...: of the display of a server that nobody looks at
serve_x11vnc()
{
	serve_tigervnc -SecurityTypes None
	SERVER_PORT=$(free_port)
	HOME=$T x11vnc -display "$SERVER_DISPLAY" -rfbport "$SERVER_PORT" -localhost -forever -shared -noxdamage \
		"$@" >"$T/x11vnc-$SERVER_PORT.log" 2>&1 &
	track_pid $!
	wait_for 20 "x11vnc listens" listens "$SERVER_PORT"
}

serve_tightvnc()
{
	SERVER_PORT=$(free_port)
	Xtightvnc ":$SERVER_PORT" -rfbport "$SERVER_PORT" -geometry $SIZE -depth 24 "$@" \
		>"$T/tightvnc-$SERVER_PORT.log" 2>&1 &
	track_pid $!
	wait_for 20 "tightvncserver listens" listens "$SERVER_PORT"
	paint ":$SERVER_PORT"
}

# serve_qemu OPTION...: a machine without a disk; its BIOS says so
serve_qemu()
{
	SERVER_PORT=$(free_port)
	qemu-system-x86_64 -machine accel=tcg -nodefaults -vga std -net none -display none \
		-object "secret,id=password,data=$PASSWORD" -vnc "127.0.0.1:$((SERVER_PORT - 5900))$1" \
		>"$T/qemu-$SERVER_PORT.log" 2>&1 &
	track_pid $!
	wait_for 20 "QEMU listens" listens "$SERVER_PORT"
}

# server NAME COLOUR COMMAND...: start it and its agent; the machine is called so too.
servers=()
server()
{
	local name=$1 colour=$2
	shift 2
	"$@"
	servers+=("$name")
	PORT[$name]=$SERVER_PORT
	COLOUR[$name]=$colour
	agent_conf "$name" "127.0.0.1:$SERVER_PORT" "Password-File: $T/vnc.password"
	agent_start "$name"
}

# chopped NAME MODE: the server before, over a line that chops (tests/lib/chop.pl)
chopped()
{
	local name=$1 port=$SERVER_PORT
	SERVER_PORT=$(free_port)
	"$top_srcdir/tests/lib/chop.pl" "$SERVER_PORT" "$port" "$2" >"$T/chop-$name.log" 2>&1 &
	track_pid $!
	wait_for 10 "the line listens" listens "$SERVER_PORT"
	server "$name" "$BLUE" true
}

note "servers"
server xtigervnc "$BLUE" serve_tigervnc -SecurityTypes None
chopped xtigervnc-one-byte one
chopped xtigervnc-in-lumps lumps
server xtigervnc-password "$BLUE" serve_tigervnc -SecurityTypes VncAuth -rfbauth "$T/vnc.passwd"
server x11vnc "$BLUE" serve_x11vnc -nopw
server x11vnc-password "$BLUE" serve_x11vnc -rfbauth "$T/vnc.passwd"
server tightvncserver "$BLUE" serve_tightvnc
server tightvncserver-password "$BLUE" serve_tightvnc -rfbauth "$T/vnc.passwd"
server qemu "$GREY" serve_qemu ""
server qemu-password "$GREY" serve_qemu ",password-secret=password"

# --- viewers: each is told HOST PORT CODE COLOUR, and succeeds if it shows the colour --------------

# The display that viewers of X11 open their windows on.
server_start eye -SecurityTypes None -geometry 1000x800
EYE=$SERVER_DISPLAY

# Ten thousand pixels of a colour, or a hundred of a text's
has_colour()
{
	xwd -root -silent -display "$EYE" | WANT="$1" perl -0777 -ne \
		'my $want = eval "qr/$ENV{WANT}./s"; my $n = () = /$want/g; exit($n < 100)'
}

# window COLOUR COMMAND...: until its window shows the colour, at most 15 s
window()
{
	local colour=$1 seen=1 viewer _
	shift
	xsetroot -display "$EYE" -solid black
	DISPLAY=$EYE HOME=$T "$@" >"$T/viewer.log" 2>&1 &
	viewer=$!
	track_pid $viewer
	for _ in $(seq 75); do
		if has_colour "$colour"; then
			seen=0
			break
		fi
		kill -0 $viewer 2>/dev/null || break
		sleep 0.2
	done
	stop_pid $viewer
	return $seen
}

password_file()
{
	printf '%s\n' "$1" | tigervncpasswd -f >"$T/viewer.passwd"
}

view_tigervnc()
{
	password_file "$3"
	window "$4" xtigervncviewer -passwd "$T/viewer.passwd" "$1::$2"
}

view_tightvnc()
{
	password_file "$3"
	window "$4" xtightvncviewer -passwd "$T/viewer.passwd" "$1::$2"
}

# It asks for the password in a window.
view_gvncviewer()
{
	{
		# There is no window manager that could say when it has the focus: again, while the window is there.
		for _ in $(seq 50); do
			sleep 0.2
			DISPLAY=$EYE xdotool search --name "Authentication required" windowfocus 2>/dev/null || continue
			sleep 0.3
			DISPLAY=$EYE xdotool key ctrl+a
			DISPLAY=$EYE xdotool type --delay 20 "$3"
			DISPLAY=$EYE xdotool key Return
		done
	} >"$T/xdotool.log" 2>&1 &
	track_pid $!
	window "$4" gvncviewer "$1:$(($2 - 5900))"
}

view_vncsnapshot()
{
	password_file "$3"
	HOME=$T timeout 5 vncsnapshot -quiet -passwd "$T/viewer.passwd" "$1::$2" "$T/shot.jpg" >"$T/viewer.log" 2>&1 &&
		[ "$(head -c 2 "$T/shot.jpg" | od -An -tx1)" = " ff d8" ]
}

view_libvncclient()
{
	timeout 15 vnc-client "$1" "$2" "$3" >"$T/viewer.log" 2>&1 || return
	[ "$4" = "$GREY" ] || grep -q ' 3366aa$' "$T/viewer.log"
}

# In Chromium: the page's own way to the machine; CODE is the machine's name.
view_novnc()
{
	local seen=1 _
	browser_js "[...document.querySelectorAll('#machines li')].find(li => li.dataset.name === '$3').querySelector('.open').click()" >/dev/null
	for _ in $(seq 75); do
		if browser_js "
			const canvas = document.querySelector('#screen canvas');
			if (!canvas || !canvas.width) return false;
			const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
			for (let i = 0, n = 0; i < data.length; i += 4) {
				const is = (r, g, b) => data[i] === r && data[i + 1] === g && data[i + 2] === b;
				if ((is(0x33, 0x66, 0xaa) || is(0xa8, 0xa8, 0xa8)) && ++n === 100) return true;
			}
			return false;" | grep -q true; then
			seen=0
			break
		fi
		sleep 0.2
	done
	browser_js "document.querySelector('#leave').click()" >/dev/null
	wait_for 10 "the list" eval '[ "$(browser_js "return document.querySelector(\"#list\").hidden")" = false ]'
	return $seen
}

note "a browser"
browser_start
browser_go "https://127.0.0.1:$TLS/"
wait_for 20 "the form" eval '[ "$(browser_js "return document.querySelector(\"#login\").hidden")" = false ]'
browser_type "input[name=user]" anna
browser_type "input[name=password]" $PASSWORD
browser_click "#login button"
browser_shows xtigervnc-password

# cell VIEWER SERVER: prints what the table says
cell()
{
	local viewer=$1 name=$2 code
	if [ "$viewer" = novnc ]; then
		code=$name
	else
		code=$(code_for "$name")
	fi
	if "view_$viewer" 127.0.0.1 "$VIEWERS" "$code" "${COLOUR[$name]}"; then
		echo "yes"
	elif [ "$viewer" != novnc ] && ! "view_$viewer" 127.0.0.1 "${PORT[$name]}" $PASSWORD "${COLOUR[$name]}"; then
		echo "not without the proxy either"
	else
		echo "NO"
	fi
}

viewers=(tigervnc tightvnc gvncviewer vncsnapshot libvncclient novnc)
declare -A TITLE=([tigervnc]="TigerVNC" [tightvnc]="TightVNC" [gvncviewer]="gvncviewer" [vncsnapshot]="vncsnapshot"
	[libvncclient]="libvncclient" [novnc]="noVNC in Chromium")
{
	echo "# Which viewers and servers work together"
	echo
	echo "Through \`vncproxyd\` and \`vncagent\`, made by \`tests/vnc-interop.sh\` from what each viewer showed. All are Debian 12's."
	echo
	printf '| server |'
	for viewer in "${viewers[@]}"; do
		printf ' %s |' "${TITLE[$viewer]}"
	done
	printf '\n|---|'
	printf -- '---|%.0s' "${viewers[@]}"
	echo
} >table
for name in "${servers[@]}"; do
	note "$name"
	printf '| %s |' "$name" >>table
	for viewer in "${viewers[@]}"; do
		printf ' %s |' "$(cell "$viewer" "$name")" >>table
	done
	echo >>table
done
cat table >&2
! grep -q NO table || fail "a viewer sees a screen that it would see without the proxy"
[ -z "${UPDATE:-}" ] || cp table "$top_srcdir/docs/interoperability.md"
diff -u "$top_srcdir/docs/interoperability.md" table >&2 || fail "docs/interoperability.md says otherwise"
