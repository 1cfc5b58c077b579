#!/bin/bash
# A site whose clock is years off: it recovers without a visit, and nobody who moves its clock
# can make it take what is old. Site, gate and imagerepo see clocks of their own
# (fault/clock.c); the machine's stays as it is.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need gpg rsync ssh ssh-keygen

clock_so=$top_builddir/tests/fault/clock.so
[ -e "$clock_so" ] || skip "not with sanitizers"
WEB_PORT=$(free_port)
# The repository, its keys and what is signed first are 40 days old.
echo $((-40 * 86400)) >server.clock
LD_PRELOAD=$clock_so CLOCK_FILE=$T/server.clock make_gnupg clock
export WAYBILL_REPO=$T/repo
start_enrolling_sshd "LD_PRELOAD=$clock_so" "CLOCK_FILE=$T/server.clock"

# at_home COMMAND...: by the operator's clock
at_home()
{
	env LD_PRELOAD="$clock_so" CLOCK_FILE="$T/server.clock" "$@"
}
# sync STATUS ROOT: by the clock of that site
sync_by()
{
	local status=$1 root=$2
	run_exit "$status" env LD_PRELOAD="$clock_so" CLOCK_FILE="$root.clock" \
		pkgmgr --root "$root" sync
}
enrol_by()
{
	run_exit "$1" env LD_PRELOAD="$clock_so" CLOCK_FILE="$2.clock" pkgmgr --root "$2" enroll
}
# clock_is ROOT SECONDS: how far off its clock is, within ten minutes
clock_is()
{
	local off
	off=$(($(cat "$1.clock") - $2))
	[ "$off" -gt -600 ] && [ "$off" -lt 600 ] || fail "the clock of $1 is $(cat "$1.clock") s off, not $2"
}
at() # SECONDS from now to a date
{
	echo $(($(date +%s -d "$1") - $(date +%s)))
}
installed()
{
	# shellcheck disable=SC2016 # dpkg's own ${}
	dpkg-query --admindir="$1/var/lib/dpkg" -W -f '${Version}' tool 2>/dev/null || true
}
report_of()
{
	cat "repo/private/sites/$1/report.json"
}
# new_site NAME: a private root with a bundle in it
new_site()
{
	make_dpkg_root "$T/$1"
	imagerepo site add "$1" >/dev/null
	imagerepo site assign "$1" tool >/dev/null
	imagerepo site bundle "$1" --enroll | tar -x -C "$T/$1" --no-same-owner
	echo "Fetch-User: nobody" >>"$T/$1/etc/waybill/pkgmgr.conf"
	echo 0 >"$T/$1.clock"
	chmod 666 "$T/$1.clock"
}

at_home imagerepo init --key "$KEY_FPR" --url "http://127.0.0.1:$WEB_PORT" \
	--server "root@127.0.0.1:$SSHD_PORT" --host-key "$SSHD_DIR/host_key.pub" >/dev/null
at_home imagerepo add "$(make_deb debs tool 0.9)" >/dev/null
cp -a repo/public old-public
echo 0 >server.clock
imagerepo add "$(make_deb debs tool 1.0)" >/dev/null
imagerepo serve --port "$WEB_PORT" >web.log 2>&1 &
track_pid $!

note "a dead battery, 2012: enrolled and synced, the clock set, the report says so"
new_site kbh1
at 2012-01-01 >kbh1.clock
enrol_by 0 "$T/kbh1"
clock_is "$T/kbh1" "$(at 2012-01-01)"
sync_by 0 "$T/kbh1"
equal "$(installed kbh1)" 1.0 "what is installed"
clock_is "$T/kbh1" 0
contains repo/private/sites/kbh1/report.json "this site's clock was 14 years behind the gate's"
contains repo/private/sites/kbh1/report.json '"result":"done"'
imagerepo site show kbh1 >shown
contains shown "it was set"
sync_by 0 "$T/kbh1"
lacks repo/private/sites/kbh1/report.json "clock"

note "years ahead: likewise"
at 2040-01-01 >kbh1.clock
sync_by 0 "$T/kbh1"
clock_is "$T/kbh1" 0
contains repo/private/sites/kbh1/report.json "13 years ahead of the gate's"

note "ahead by 15 days: the list is good, the Release has expired"
echo $((15 * 86400)) >kbh1.clock
sync_by 0 "$T/kbh1"
clock_is "$T/kbh1" 0
contains repo/private/sites/kbh1/report.json "15 days ahead of the gate's"
lacks repo/private/sites/kbh1/report.json "expired"

note "four minutes are nobody's business"
echo 240 >kbh1.clock
sync_by 0 "$T/kbh1"
clock_is "$T/kbh1" 240
lacks repo/private/sites/kbh1/report.json "clock"
echo 0 >kbh1.clock

note "Set-Clock: no: it is only reported, and nothing is waved through"
cp kbh1/etc/waybill/pkgmgr.conf conf
echo "Set-Clock: no" >>kbh1/etc/waybill/pkgmgr.conf
at 2040-01-01 >kbh1.clock
sync_by 3 "$T/kbh1"
clock_is "$T/kbh1" "$(at 2040-01-01)"
contains repo/private/sites/kbh1/report.json "stays so (Set-Clock: no)"
cp conf kbh1/etc/waybill/pkgmgr.conf
sync_by 0 "$T/kbh1"

note "a clock that cannot be set: said, and nothing is waved through"
at 2040-01-01 >kbh1.clock
run_exit 3 env LD_PRELOAD="$clock_so" CLOCK_FILE="$T/kbh1.clock" CLOCK_FIXED=1 \
	pkgmgr --root "$T/kbh1" sync
contains repo/private/sites/kbh1/report.json "cannot be set: Operation not permitted"
echo 0 >kbh1.clock
sync_by 0 "$T/kbh1"

note "an old list, replayed while the site's clock is moved back"
new_site kbh2
list=repo/private/sites/kbh2/out/site.list
echo $((-40 * 86400)) >server.clock
at_home imagerepo resign >/dev/null
cp "$list" old.list
echo 0 >server.clock
for set_clock in yes no; do
	[ $set_clock = yes ] || echo "Set-Clock: no" >>kbh2/etc/waybill/pkgmgr.conf
	echo $((-35 * 86400)) >kbh2.clock
	[ ! -e kbh2/etc/waybill/enrolment ] || enrol_by 0 "$T/kbh2"
	sync_by 3 "$T/kbh2"
	contains err "was valid until"
	equal "$(installed kbh2)" "" "what is installed"
done
imagerepo resign >/dev/null
sed -i '/^Set-Clock/d' kbh2/etc/waybill/pkgmgr.conf
cp "$list" first.list
sync_by 0 "$T/kbh2"
equal "$(installed kbh2)" 1.0 "what is installed"
imagerepo site assign kbh2 --may other >/dev/null
sync_by 0 "$T/kbh2"
cp "$list" good.list
for replay in old.list first.list; do
	cp "$replay" "$list"
	for off in $((-35 * 86400)) $((-365 * 86400)) 0; do
		echo "$off" >kbh2.clock
		sync_by 3 "$T/kbh2"
		contains err "the site list is refused"
	done
done
cp good.list "$list"
sync_by 0 "$T/kbh2"

note "an old Release, to a site that has never seen a newer one, by a clock that is moved back"
new_site kbh3
mv repo/public/dists new-dists
cp -a old-public/dists repo/public/dists
for set_clock in yes no; do
	[ $set_clock = yes ] || echo "Set-Clock: no" >>kbh3/etc/waybill/pkgmgr.conf
	echo $((-35 * 86400)) >kbh3.clock
	[ ! -e kbh3/etc/waybill/enrolment ] || enrol_by 0 "$T/kbh3"
	got=0
	env LD_PRELOAD="$clock_so" CLOCK_FILE="$T/kbh3.clock" pkgmgr --root "$T/kbh3" sync >out 2>err ||
		got=$?
	[ $got != 0 ] || fail "an old Release is believed (Set-Clock: $set_clock)"
	equal "$(installed kbh3)" "" "what is installed"
done
note "and to one that has"
echo $((-35 * 86400)) >kbh2.clock
got=0
env LD_PRELOAD="$clock_so" CLOCK_FILE="$T/kbh2.clock" pkgmgr --root "$T/kbh2" sync >out 2>err || got=$?
equal "$(installed kbh2)" 1.0 "what is installed"
rm -r repo/public/dists
mv new-dists repo/public/dists
sed -i '/^Set-Clock/d' kbh3/etc/waybill/pkgmgr.conf
sync_by 0 "$T/kbh3"
sync_by 0 "$T/kbh2"
equal "$(installed kbh3)" 1.0 "what is installed"

note "home is away for 40 days, and nobody signs: refused, then it goes on by itself"
# From here on the operator's machine lives in the future, as what it publishes does.
echo $((40 * 86400)) >server.clock
echo $((40 * 86400)) >kbh1.clock
sync_by 3 "$T/kbh1"
contains err "was valid until"
clock_is "$T/kbh1" $((40 * 86400))
equal "$(installed kbh1)" 1.0 "what is installed"
stop_pid "$(cat "$SSHD_DIR/pid")"
sync_by 1 "$T/kbh1"
equal "$(installed kbh1)" 1.0 "what is installed"
/usr/sbin/sshd -D -f "$SSHD_DIR/config" -E "$SSHD_DIR/log" </dev/null &
track_pid $!
wait_for 30 "sshd listens again" listens "$SSHD_PORT"
at_home imagerepo resign >/dev/null
sync_by 0 "$T/kbh1"

note "the server's own clock stands before what is known: not believed, and then mended"
at 2040-01-01 >kbh1.clock
at 2020-01-01 >server.clock
sync_by 3 "$T/kbh1"
clock_is "$T/kbh1" "$(at 2040-01-01)"
contains repo/private/sites/kbh1/report.json "which is not believed"
echo $((40 * 86400)) >server.clock
sync_by 0 "$T/kbh1"
clock_is "$T/kbh1" $((40 * 86400))
echo 0 >server.clock
