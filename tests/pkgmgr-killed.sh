#!/bin/bash
# A sync that is killed while dpkg works leaves dpkg behind, with its lock: the next
# sync waits for it, configures what is half-done, and ends in the right state.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
site_init

# A package whose postinst says that it began, and waits until it may go on.
export MAINTSCRIPTS=$T/scripts
mkdir "$MAINTSCRIPTS"
cat >"$MAINTSCRIPTS/postinst" <<SH
#!/bin/sh
set -e
echo "\$\$ \$PPID" >$T/began
for _ in \$(seq 600); do
	[ ! -e $T/go ] || exit 0
	sleep 0.1
done
exit 1
SH
chmod 755 "$MAINTSCRIPTS/postinst"
add_package slow 1
add_package slow2 1
unset MAINTSCRIPTS
publish

has_began()
{
	[ -s "$T/began" ]
}

says()
{
	grep -qF "$2" "$1"
}

# start_and_kill: a sync that is killed while slow's postinst waits
start_and_kill()
{
	rm -f "$T/began" "$T/go"
	pkgmgr sync --root "$ROOT" >"$T/out1" 2>"$T/err1" &
	local sync=$!
	wait_for 20 "the postinst runs" has_began
	kill -KILL $sync
	wait $sync 2>/dev/null || true
}

note "dpkg goes on without its parent, and the next sync waits for it"
assign "musthave: slow"
start_and_kill
read -r _ DPKG_PID <"$T/began"
kill -0 "$DPKG_PID" || fail "dpkg died with its parent"
pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/err" &
SECOND=$!
wait_for 10 "the second sync began" says "$T/err" sync-start
kill -0 "$DPKG_PID" || fail "dpkg was ended by the second sync"
touch "$T/go"
status=0
wait $SECOND || status=$?
cat "$T/err" >&2
equal $status 0 "exit of the sync after the killed one"
is_installed slow 1
run_exit 0 pkgmgr history --root "$ROOT"
contains "$T/out" "unfinished"

note "what the killed sync installed is ours: it goes when the list no longer names it"
assign
sync_site
is_installed slow ""

note "dpkg is killed as well: its work is taken up"
assign "musthave: slow2"
start_and_kill
read -r SCRIPT_PID DPKG_PID <"$T/began"
kill -KILL "$DPKG_PID" "$SCRIPT_PID"
touch "$T/go"
sync_site
contains "$T/err" "sync-repair"
is_installed slow2 1

note "a signal before dpkg begins: nothing is done, and nothing is lost"
add_package tiny 1
publish
assign "musthave: tiny" "musthave: slow2"
web_stop
web_start "limit_rate 100;"
rm -f "$T/err"
pkgmgr sync --root "$ROOT" >"$T/out" 2>"$T/err" &
SYNC=$!
wait_for 10 "the list is there" says "$T/err" list-accepted
kill -TERM $SYNC
status=0
wait $SYNC || status=$?
equal $status 1 "exit of a sync that was asked to stop"
contains "$T/err" "stopped by signal 15"
is_installed tiny ""
web_stop
web_start
sync_site
is_installed tiny 1

note "a package that cannot be configured does not keep away the one that mends it"
export MAINTSCRIPTS=$T/broken
mkdir "$MAINTSCRIPTS"
printf '#!/bin/sh\nexit 1\n' >"$MAINTSCRIPTS/postinst"
chmod 755 "$MAINTSCRIPTS/postinst"
add_package broken 1
unset MAINTSCRIPTS
publish
assign "musthave: broken" "mayhave: *"
run_exit 1 pkgmgr sync --root "$ROOT"
contains "$T/err" "dpkg did not carry out the plan"
equal "$(root_status "$ROOT" broken)" "install ok half-configured" "state of broken"
run_exit 1 pkgmgr sync --root "$ROOT"
contains "$T/err" "dpkg cannot configure all packages"
contains "$T/gate/report.json" '"result":"failed"'
add_package broken 2
publish
sync_site
is_installed broken 2

note "a download method that does not start: said at once, not waited for"
mkdir -p "$ROOT/etc/apt/apt.conf.d"
echo 'Dir::Bin::Methods::http "/bin/false";' >"$ROOT/etc/apt/apt.conf.d/99broken"
run_exit 1 timeout 60 pkgmgr sync --root "$ROOT"
contains err "did not start correctly"
rm "$ROOT/etc/apt/apt.conf.d/99broken"

note "asked to stop while a server does not answer: it stops"
web_stop
socat -u "TCP-LISTEN:$WEB_PORT,bind=127.0.0.1,reuseaddr" "CREATE:$T/asked" &
track_pid $!
wait_for 10 "the silent server listens" grep -q ":$(printf %04X "$WEB_PORT") .* 0A " /proc/net/tcp
timeout 25 pkgmgr sync --root "$ROOT" >out 2>err &
asks=$!
wait_for 20 "the request for InRelease" grep -q InRelease asked
kill -TERM $asks
status=0
wait $asks || status=$?
equal $status 1 "exit of the sync that was asked to stop"
contains err "stopped by signal 15"
web_start
sync_site
