#!/bin/bash
# A real guest with systemd and the QEMU guest agent: its health checks from the first second
# of its boot to a hang, and commands and files in it.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_libvirt
need dpkg curl python3
make_site
port=$(free_port)
port2=$(free_port)
conf=tree/var/lib/waybill/appliances/web/appliance.conf

appliance()
{
	command appliance --root "$root" "$@"
}

# check_says NAME STATE SEEN: the table of the last `health` (in out) has this line
check_says()
{
	grep -F -e "$1" out | grep -qE " $2 +.*($3)" && return
	cat out >&2
	fail "health does not say of $1: $2, $3"
}

all_is_well()
{
	appliance health web
}

# took_at_most SECONDS COMMAND...
took_at_most()
{
	local seconds=$1 start
	shift
	start=$(date +%s%N)
	"$@"
	local took=$((($(date +%s%N) - start) / 1000000))
	[ "$took" -le "${seconds}000" ] || fail "took $took ms: $*"
}

dpkg-deb -R "$(tiny_deb web)" tree
rm tree/DEBIAN/md5sums
sed -i -E '/^(Health|Ports):/d; / deadline=/d' "$conf"
cat >>"$conf" <<CONF
Ports: $port:80 $port2:81
Health:
 http:80/ deadline=300s
 tcp:80 deadline=300s
 agent deadline=300s
 systemd deadline=300s
 exec:test ! -e /run/sick || { echo "it is sick"; exit 4; } deadline=300s
CONF
dpkg-deb --root-owner-group -Zgzip -z1 -b tree web.deb >/dev/null
root_dpkg "$root" -i web.deb >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
domain=$(of_root)

note "while it boots nothing is ok, although QEMU takes the connections"
took_at_most 12 run_exit 1 appliance health web
check_says http:80/ failed "no complete answer"
check_says tcp:80 failed "the guest does not answer"
check_says agent failed "no guest agent runs in the guest"
check_says systemd failed "no guest agent runs"
run_exit 125 appliance exec web true
contains err "no guest agent runs"
wait_for 150 "web is healthy" all_is_well

note "healthy"
run_exit 0 appliance health web
check_says http:80/ ok "HTTP 200"
check_says tcp:80 ok open
check_says systemd ok running
check_says exec:test ok "exit status 0"
run_exit 0 appliance --json health web
python3 - <<'PYTHON' || fail "health --json"
import json
o = json.load(open("out"))
assert o["healthy"] is True and o["state"] == "running" and o["name"] == "web", o
assert [c["ok"] for c in o["checks"]] == [True] * 5, o
PYTHON

note "exec: streams, exit statuses, input, bounds"
run_exit 7 appliance exec web -- sh -c 'echo to out; echo to err >&2; exit 7'
equal "$(cat out)" "to out" "standard output"
equal "$(cat err)" "to err" "standard error"
run_exit 127 appliance exec web -- no-such-command
run_exit 126 appliance exec web -- /etc/passwd
run_exit 137 appliance exec web -- sh -c 'kill -9 $$'
run_exit 125 appliance exec web ls -l
contains err "unknown option '-l'"
run_exit 125 appliance exec web -- "$(printf 'caf\351')"
contains err "not UTF-8"
run_exit 0 appliance exec web -- printf '%s|' '' 'a b' '$(id)' "it's" '"' "\\" $'\n'
equal "$(cat out)" "|a b|\$(id)|it's|\"|\\|
|" "arguments arrive as they are"
head -c 100000 /dev/urandom >bytes
equal "$(appliance exec -i web -- sha256sum <bytes)" "$(sha256sum <bytes)" "--stdin"
head -c 200000 /dev/urandom | appliance exec -i web -- cat 2>err && fail "200000 bytes of input"
contains err "more than 128 KiB"
# The agent would send 16 MiB, at which libvirt gives it up until the guest boots again.
appliance exec web -- sh -c 'head -c 20000000 /dev/zero; echo done >&2; exit 3' >bytes 2>err &&
	fail "exit 0"
equal "$(stat -c %s bytes)" 1048576 "output that is kept"
contains err "done"
contains err "the output is cut"
took_at_most 12 run_exit 124 appliance exec -t 2s web -- sh -c 'sleep 1234; true'
contains err "not done within 2 s"
wait_for 20 "the killed command is gone" appliance exec web -- \
	sh -c '! cat /proc/[0-9]*/comm 2>/dev/null | grep -qx sleep'

note "put and get"
head -c 3000000 /dev/urandom >sent
chmod 750 sent
appliance put web sent "/root/it's here"
equal "$(appliance exec web -- sha256sum "/root/it's here" | cut -c1-64)" \
	"$(sha256sum <sent | cut -c1-64)" "what was put"
equal "$(appliance exec web -- stat -c %a "/root/it's here")" 750 "its mode"
appliance get web "/root/it's here" got
cmp sent got
equal "$(stat -c %a got)" 750 "mode of what was got"
equal "$(appliance get web /etc/hostname -)" web "get to standard output"
appliance get web /etc/shadow shadow
equal "$(stat -c %a shadow)" 640 "mode of a secret"
appliance put web /dev/null /root/no 2>err && fail "put of a device"
for path in /root /dev/null /nowhere/file /proc/file; do
	cp sent target
	appliance put web target "$path" 2>err && fail "put to $path"
	contains err "web: $path"
done
for path in /root /dev/zero /nowhere /proc/1/mem; do
	echo old >target
	appliance get web "$path" target 2>err && fail "get of $path"
	equal "$(cat target)" old "the target after a get of $path"
done
appliance exec web -- mkfifo /root/fifo
took_at_most 10 run_exit 3 appliance get web /root/fifo -
appliance exec web -- sh -c 'mount -t tmpfs -o size=1m none /mnt && echo old >/mnt/file'
appliance put web sent /mnt/file 2>err && fail "put to a full disk"
contains err "no space left in the guest"
equal "$(appliance exec web -- sh -c 'ls -A /mnt; cat /mnt/file')" "file
old" "a full disk keeps the old file, and no other"
equal "$(find . -name '.*.tmp-*')" "" "temporary files here"

note "a failed unit, a failed check"
appliance exec web -- sh -c 'systemd-run --unit=broken false; touch /run/sick' 2>/dev/null
run_exit 1 appliance health web
check_says systemd failed "degraded; failed: broken.service"
check_says exec:test failed "exit status 4"
contains out "it is sick"
appliance exec web -- sh -c 'systemctl reset-failed; systemctl stop nginx; rm /run/sick'
run_exit 1 appliance health web
check_says http:80/ failed "connection reset|closed without an answer"
check_says tcp:80 failed "nothing listens in the guest"
appliance exec web -- systemctl start nginx
wait_for 20 "healthy again" all_is_well

note "the agent hangs, the guest is paused, is stopped"
appliance exec web -- systemd-run --on-active=1 --timer-property=AccuracySec=1s \
	systemctl kill -s STOP qemu-guest-agent 2>/dev/null
wait_for 30 "the agent hangs" eval '! appliance exec web true'
took_at_most 15 run_exit 1 appliance health web
check_says agent failed "the guest agent does not answer"
check_says exec:test failed "the guest agent does not answer"
check_says http:80/ ok "HTTP 200"
virsh -q -c qemu:///system suspend "$domain"
took_at_most 3 run_exit 1 appliance health web
check_says tcp:80 failed "the guest is paused"
run_exit 125 appliance exec web true
contains err "appliance resume web"
virsh -q -c qemu:///system destroy "$domain"
took_at_most 3 run_exit 1 appliance health web
check_says http:80/ failed "the guest is stopped"
for command in "put web sent /root/x" "get web /etc/hostname -"; do
	# shellcheck disable=SC2086 # words
	run_exit 3 appliance $command
	contains err "appliance start web"
done
