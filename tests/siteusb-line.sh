#!/bin/bash
# The new system's apt-get while it is installed: it outlives a line that drops, which apt by itself does
# not, and does not go on for ever where something else is wrong.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need apt-get gpg

make_gnupg mirror
make_deb debs hello 1.0 >/dev/null
make_deb debs other 1.0 >/dev/null
export WAYBILL_REPO=$T/repo WAYBILL_PAUSE=1
imagerepo init --key "$KEY_FPR" --suite stable >/dev/null
imagerepo add debs/*.deb >/dev/null
port=$(free_port)
mirror_start()
{
	imagerepo serve --port "$port" >>served 2>&1 &
	mirror=$!
	track_pid $mirror
	wait_for 10 "the mirror answers" listens "$port"
}
private_apt "# The system's own" \
	"deb [signed-by=$T/repo/conf/trust/repository.gpg] http://127.0.0.1:$port/ stable main"

cp "$top_srcdir/preseed/installer/apt-get" apt-get
cat >apt-get.waybill <<'REAL'
#!/bin/sh
echo "$*" >>asked
exec /usr/bin/apt-get -q -o Acquire::Retries=1 "$@"
REAL
chmod 755 apt-get.waybill
asked() { grep -c "$1" asked; }

note "with the line up, it is apt-get"
mirror_start
./apt-get update >out 2>&1 || { cat out; fail "update"; }
./apt-get download hello >out 2>&1 || { cat out; fail "download"; }
ls hello_1.0_*.deb >/dev/null || fail "nothing came"
equal "$(asked update) $(asked download)" "1 1" "how often apt-get ran"

note "the line is down, and comes back"
stop_pid "$mirror"
./apt-get download other >out 2>&1 &
download=$!
wait_for 30 "apt-get has failed once" grep -q "^E: " out
kill -0 $download || fail "it has given up"
mirror_start
wait $download || { cat out; fail "it does not come to an end when the line is back"; }
ls other_1.0_*.deb >/dev/null || fail "nothing came"
equal "$(asked 'download other')" 2 "how often apt-get ran"

note "an update that cannot reach the mirror is no success either"
stop_pid "$mirror"
./apt-get update >out 2>&1 &
update=$!
wait_for 30 "apt-get has failed once" grep -q "^E: " out
mirror_start
wait $update || { cat out; fail "update"; }
equal "$(asked update)" 3 "how often apt-get ran"

note "what the line has nothing to do with ends soon, and says so"
run_exit 100 ./apt-get download no-such-package
contains err "Unable to locate package no-such-package"
equal "$(asked no-such-package)" 3 "how often apt-get ran"
