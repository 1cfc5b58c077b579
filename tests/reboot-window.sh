#!/bin/bash
# A site reboots when that is needed, in its window, and never in the middle of something.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
need faketime sqlite3
site_init
publish
db=$ROOT/var/lib/waybill/state.db
running=$(uname -r)
conf=$ROOT/etc/waybill/pkgmgr.conf
printf '#!/bin/sh\necho "$*" >>%s/reboots\nexit $(cat %s/reboot-exit)\n' "$T" "$T" >reboot-me
chmod 755 reboot-me
echo 0 >reboot-exit
: >reboots

# window FROM TO: as `date -d` understands them
window() { date -d "$1" +%H:%M- | tr -d '\n' && date -d "$2" +%H:%M; }
policy()
{
	assign "Reboot-Window: $1"
	sync_site
}
reboot() { run_exit "$1" pkgmgr --root "$ROOT" reboot; }
# refused WORDS: and nothing was asked for
refused()
{
	reboot 3
	contains err "$1"
	[ ! -s reboots ] || fail "a reboot after all: $(cat reboots)"
}
last_was()
{
	printf 'At: %s\nReason: %s\nBoot: %s\n' "$(date -u +%FT%TZ -d "$1")" "$2" "${3:-another}" \
		>"$ROOT/var/lib/waybill/reboot"
}

# on_trial "TRIAL, GOOD VERSION, HEALTH": an instance of which nothing else is true
on_trial()
{
	sqlite3 "$db" "INSERT OR REPLACE INTO instance (name, appliance, wanted_state, unit,
		updated_at, trial, good_version, health)
		VALUES ('askom', 'askom', 'running', 'askom', 0, $1)"
}
no_trial() { sqlite3 "$db" "DELETE FROM instance"; }

note "none is needed"
policy "$(window '-1 hour' '+1 hour')"
reboot 0
contains out "no reboot is needed"
run_exit 0 pkgmgr --root "$ROOT" --json reboot
contains out '{"rebooting":false,"reason":null}'
contains "$T/gate/report.json" '"attention":[]'

note "a newer kernel than the running one, of the same machine"
mkdir "$ROOT/boot"
: >"$ROOT/boot/vmlinuz-99.1-amd64"
reboot 0
contains out "no reboot is needed" # it has not booted from there
: >"$ROOT/boot/vmlinuz-$running"
rm "$ROOT/boot/vmlinuz-99.1-amd64"
: >"$ROOT/boot/vmlinuz-0.9-amd64"
reboot 0
contains out "no reboot is needed"
: >"$ROOT/boot/vmlinuz-99.1-amd64"
refused "is no machine of its own"
echo "Reboot-Command: $T/reboot-me --for good" >>"$conf"

note "outside the window, and without one"
policy "$(window '+2 hours' '+3 hours')"
refused "not now: the Reboot-Window is"
contains "$T/gate/report.json" "a reboot is needed: kernel 99.1-amd64 is installed and $running runs; it waits for"
policy none
refused "no Reboot-Window"
contains "$T/gate/report.json" "the policy has no Reboot-Window"
policy "$(window '-1 hour' '+1 hour')"

note "not while something is under way"
flock "$ROOT/var/lib/waybill/pkgmgr.lock" "$(command -v pkgmgr)" --root "$ROOT" reboot 2>err &&
	fail "a reboot during a sync"
contains err "a sync runs"
flock "$ROOT/var/lib/waybill/appliance.lock" "$(command -v pkgmgr)" --root "$ROOT" reboot 2>err &&
	fail "a reboot during a converge"
contains err "appliances are being changed"
for trial in gate watch revert; do
	on_trial "'$trial', '1.3.0', NULL"
	refused "askom has a version on trial ($trial)"
done
on_trial "'gate', NULL, NULL"
refused "on trial (gate)"
no_trial
cp "$ROOT/var/lib/dpkg/status" status
sed -i '0,/^Status: .*/s//Status: install ok half-configured/' "$ROOT/var/lib/dpkg/status"
refused "dpkg has something half installed"
cp status "$ROOT/var/lib/dpkg/status"

note "a command that fails is no reboot; one that works is, once"
echo 1 >reboot-exit
reboot 1
contains err "ask for a reboot"
[ ! -e "$ROOT/var/lib/waybill/reboot" ] || fail "remembered"
echo 0 >reboot-exit
: >reboots
# A first version that is sick, and that nothing can be put in the place of, does not hold it up.
on_trial "'gate', NULL, 'unhealthy'"
reboot 0
no_trial
contains out "rebooting: kernel 99.1-amd64 is installed and $running runs"
contains err "reboot: kernel 99.1-amd64"
equal "$(cat reboots)" "--for good" "what was run"
contains "$ROOT/var/lib/waybill/reboot" "Reason: kernel 99.1-amd64"

note "what did not help is not tried again, and no two in a day"
: >reboots
refused "has not happened yet"
last_was "-21 hours" "kernel 99.1-amd64 is installed and $running runs" \
	"$(cat /proc/sys/kernel/random/boot_id)"
reboot 0 # somebody stopped that one
: >reboots
last_was "-1 minute" "kernel 99.1-amd64 is installed and $running runs"
refused "did not help"
sync_site
contains "$T/gate/report.json" "which kernel does the boot loader start?"
last_was "-3 hours" "kernel 98-amd64 is installed"
refused "20 hours between two"
last_was "-21 hours" "kernel 99.1-amd64 is installed and $running runs"
refused "did not help"
rm "$ROOT/boot/vmlinuz-99.1-amd64"
mkdir -p "$ROOT/run"
: >"$ROOT/run/reboot-required"
printf 'libc6\nlibc6\nsystemd\n' >"$ROOT/run/reboot-required.pkgs"
reboot 0
contains out "rebooting: libc6, systemd were upgraded"
last_was "+1 day" "a clock that was ahead"
reboot 0
echo "At: yesterday" >"$ROOT/var/lib/waybill/reboot"
reboot 1
contains err "waybill/reboot"
rm "$ROOT/var/lib/waybill/reboot" "$ROOT"/run/reboot-required*

note "a configuration that is wrong"
sed -i 's/^Reboot-Command: .*/Reboot-Command: shutdown -r/' "$conf"
reboot 2
contains err "no absolute path"
sed -i "s,^Reboot-Command: .*,Reboot-Command: $T/reboot-me," "$conf"

note "an upgrade that only a reboot puts into effect asks for one"
root_dpkg "$ROOT" -i "$(make_deb debs libc6 1)" "$(make_deb debs vim 1)" >dpkg.log 2>&1
add_package libc6 2
add_package vim 2
publish
assign "musthave: vim"
sync_site
[ ! -e "$ROOT/run/reboot-required" ] || fail "vim asks for a reboot"
assign "musthave: vim" "musthave: libc6" "Reboot-Window: 03:00-05:00"
sync_site
contains "$ROOT/run/reboot-required.pkgs" libc6
contains "$T/gate/report.json" "a reboot is needed: libc6 was upgraded; it waits for 03:00-05:00"

sync_ended() { pkgmgrd --root "$ROOT" status | grep -qF '"running":false'; }
answers() { [ "$(pkgmgrd --root "$ROOT" kick)" = "$1" ]; }

note "pkgmgrd: not before the window, not with a trial open, then once"
mkdir bin
cat >bin/pkgmgr <<SH
#!/bin/sh
date +"%H:%M \$*" >>$T/ran
case "\$*" in
*sync) while [ -e $T/hold ]; do sleep 0.1; done ;;
*) exec $(command -v pkgmgr) "\$@" ;;
esac
SH
chmod 755 bin/pkgmgr
: >ran
: >reboots
on_trial "'watch', '1', NULL"
# Its clock, and that of what it starts. Asking it something makes it look at the clock.
faketime_so=$(dpkg -L libfaketime | grep '/libfaketime\.so\.1$')
day=$(date -d '+2 days' +%F)
clock()
{
	echo "+$(($(date -d "$day $1" +%s) - $(date +%s)))" >clock.new
	mv clock.new clock
	pkgmgrd --root "$ROOT" status >/dev/null 2>&1 || true
}
clock 02:50
PATH=$T/bin:$PATH LD_PRELOAD=$faketime_so FAKETIME_TIMESTAMP_FILE=$T/clock FAKETIME_NO_CACHE=1 \
	FAKETIME_DONT_FAKE_MONOTONIC=1 pkgmgrd --root "$ROOT" run 2>daemon.log &
daemon=$!
track_pid $daemon
asked() { [ "$(grep -c ' reboot$' ran)" -ge "$1" ]; }
wait_for 15 "it listens" pkgmgrd --root "$ROOT" status
clock 02:58
pkgmgrd --root "$ROOT" kick >/dev/null
wait_for 15 "a sync" grep -q 'sync$' ran
wait_for 15 "its end" sync_ended
: >hold
asked 1 && fail "it asks before the window: $(cat ran)"
note "... the window opens during a sync"
pkgmgrd --root "$ROOT" kick >/dev/null
clock 03:01
sleep 1
asked 1 && fail "it asks during a sync: $(cat ran)"
rm hold
wait_for 15 "it asks" asked 1
grep ' reboot$' ran | grep -q '^03:01' || fail "asked at: $(cat ran)"
wait_for 20 "it is put off" grep -q "reboot-put-off: exit 3" daemon.log
contains daemon.log "a version on trial"
[ ! -s reboots ] || fail "a reboot during a trial"
no_trial
note "... five minutes later"
clock 03:06
clock 03:07
wait_for 20 "the reboot" test -s reboots
wait_for 10 "a sync right after it" answers "going down"
clock 03:07
sleep 1
equal "$(wc -l <reboots)" 1 "reboots"
[ ! -e "$ROOT/run/reboot-required" ] || rm "$ROOT/run/reboot-required" # as a boot would
clock 04:00
sleep 1
equal "$(grep -c ' reboot$' ran)" 2 "times that it asked"
