#!/bin/bash
# Graphics: vnc: the host's agent stands in front of QEMU's own VNC server. A viewer sees the
# machine boot through the proxy; nobody else on the host gets at its screen; the agent comes,
# goes and is mended with its guest.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
. "$top_srcdir/tests/lib/vnc.sh"
need_libvirt
need vnc-client jq perl setpriv qemu-img debugfs curl sqlite3 isoinfo
make_site
port=$(free_port)
dir=$root/var/lib/waybill/instances/seen
params=$root/var/lib/waybill/params/seen
deb=$(tiny_altered seen 1.0 "Ports: $port:80" "Graphics: vnc" "Watch: 0s")

# The agent's user, known in here alone. A machine that has it keeps its own.
agent_uid=59997
sed '/^_waybill-agent:/d' /etc/passwd >passwd
sed '/^_waybill-agent:/d' /etc/group >group
cp passwd passwd.without
echo "_waybill-agent:x:$agent_uid:$agent_uid::/nonexistent:/usr/sbin/nologin" >>passwd
echo "_waybill-agent:x:$agent_uid:" >>group

# with_users PASSWD COMMAND...
with_users()
{
	local passwd=$1
	shift
	unshare --mount sh -c \
		'mount --bind "$0" /etc/passwd && mount --bind group /etc/group && exec "$@"' "$passwd" "$@"
}

# appliance ARGUMENT...: where the agent's user is known
appliance()
{
	with_users passwd "$(type -P appliance)" --root "$root" "$@"
}

# site_dpkg ARGUMENT...: root_dpkg likewise
site_dpkg()
{
	with_users passwd dpkg --root="$root" --force-script-chrootless --force-not-root "$@"
}

# A KVM that is itself emulated can give a guest up in the middle. This is not about that.
appliance --quiet list >/dev/null
sqlite3 "$root/var/lib/waybill/state.db" \
	"INSERT INTO meta VALUES ('accelerator', '$(cat /proc/sys/kernel/random/boot_id) tcg')"

# agent_pid: of the process that the host runs for the instance
agent_pid()
{
	cat "${1:-$dir}/agent/lock"
}

# has_ended PID: whoever inherited it may leave it unburied
has_ended()
{
	! ps -o stat= -p "$1" | grep -v '^Z'
}

# may_connect UID GID: may such a process connect to the screen?
may_connect()
{
	setpriv --reuid "$1" --regid "$2" --clear-groups perl -MIO::Socket::UNIX -e \
		'exit !IO::Socket::UNIX->new(Peer => $ARGV[0])' "$dir/screen/vnc"
}

# paint OCTET: a blank on this background (octal) in the VGA card's text, at row 6, column 20, where
# vnc-client looks. The guest's kernel leaves the card as the BIOS left it.
paint()
{
	local cell=$(((0xb8000 + (6 * 80 + 20) * 2) / 2))
	{
		sleep 1
		printf '\r'
		sleep 1
		printf '%s\r' "printf ' \\$1' | dd of=/dev/mem bs=2 seek=$cell conv=notrunc"
		sleep 2
		printf '\035'
	} | appliance console seen >console.txt
}

# shows PIXEL: a viewer sees it through the proxy
shows()
{
	vnc-client 127.0.0.1 "$VIEWERS" "$(code_for kbh1.seen)" >viewer.txt 2>viewer.err &&
		grep -qF "$1" viewer.txt
}

proxy_new
proxy_start
"${CTL[@]}" --quiet machine add kbh1.seen --user anna >machine.pem
# set_params [LINE...]: the agent's, each line in the place of the field of its name
set_params()
{
	printf '%s\n' "$@" "MACHINE: kbh1.seen" "PROXY: 127.0.0.1:$TLS" "PROXY_PIN: $("${CTL[@]}" pin)" \
		"IDENTITY: $(base64 -w 0 machine.pem)" "GREETING: hello" | grep . | sort -u -s -t: -k1,1 >"$params"
}

note "without parameters its VNC server is at the host's loopback, and show says what is not set"
root_dpkg "$root" -i "$deb" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
appliance show seen >show.txt
contains show.txt "none: not set: MACHINE, PROXY, IDENTITY"
grep -q '^vnc  *127[.]0[.]0[.]1:59' show.txt || fail "no VNC at loopback: $(cat show.txt)"
[ ! -e "$dir/agent" ] && [ ! -e "$dir/screen" ] || fail "files of an agent that there is not"

note "with parameters and without the agent's package the guest runs, and nobody sees it"
set_params
run_exit 1 with_users passwd.without "$(type -P appliance)" --root "$root" converge seen
contains "$T/err" "install the package waybill-agent"
wait_for 10 "it runs without the agent's package" eval '[ "$(state_of seen)" = running ]'
! may_connect $agent_uid $agent_uid || fail "there is no such user, and it may connect"

note "with it, the next converge lets the agent in"
appliance converge seen
wait_for 10 "its agent is registered" is_connected kbh1.seen
wait_for 120 "page" page_says "$port" "greeting: hello"
pid=$(agent_pid)
equal "$(stat -c %u "/proc/$pid")" "$agent_uid" "user of the agent"
appliance show seen >show.txt
contains show.txt "kbh1.seen at 127.0.0.1:$TLS, runs"
contains show.txt "$dir/screen/vnc"
lacks show.txt "$(base64 -w 0 machine.pem)"
virsh -q -c qemu:///system dumpxml "$(of_root)" >domain.xml
lacks domain.xml "listen='127.0.0.1'"
lacks domain.xml "autoport"
may_connect $agent_uid $agent_uid || fail "the agent may not connect"
for id in 65534 "$(id -u daemon)"; do
	! may_connect "$id" "$id" || fail "user $id may connect"
done
! setpriv --reuid 65534 --regid 65534 --clear-groups cat "$dir/agent/vncagent.pem" >/dev/null 2>&1 ||
	fail "anybody may read the agent's key"
contains "$dir/agent/vncagent.conf" "Endpoint: $dir/screen/vnc"
lacks "$dir/agent/vncagent.conf" Allow
# The guest has no use for what is its host's.
isoinfo -i "$dir/seed.iso" -x '/PARAMS.;1' >seed.txt
contains seed.txt GREETING
lacks seed.txt IDENTITY
lacks seed.txt MACHINE

note "what the guest draws is what a viewer sees"
paint 020
wait_for 20 "a blue blank" shows 0000a8
paint 100
wait_for 20 "a red blank" shows a80000

note "converge changes nothing that is well, and mends what is not"
appliance converge seen
equal "$(agent_pid)" "$pid" "agent after converge"
kill -KILL "$pid"
wait_for 10 "the proxy knows" eval '! is_connected kbh1.seen'
appliance show seen >show.txt
contains show.txt "does not run"
appliance converge seen
wait_for 10 "it is registered again" is_connected kbh1.seen
[ "$(agent_pid)" != "$pid" ] || fail "the agent is the one that was killed"

note "other parameters, another agent and the same guest"
domain=$(virsh -q -c qemu:///system domid "$(of_root)")
set_params "IDENTITY: !"
run_exit 1 appliance converge seen
contains "$T/err" "IDENTITY is not the PEM file"
set_params "IDENTITY: eA=="
run_exit 1 appliance converge seen
contains "$T/err" "vncagent.pem"
set_params "MACHINE: kbh1.renamed"
"${CTL[@]}" --quiet machine add kbh1.renamed --user anna >machine.pem
set_params "MACHINE: kbh1.renamed"
appliance converge seen
wait_for 10 "it is registered as another" is_connected kbh1.renamed
"${CTL[@]}" machine remove kbh1.seen
"${CTL[@]}" --quiet machine add kbh1.seen --user anna >machine.pem
set_params
appliance converge seen
wait_for 10 "it is registered as before" is_connected kbh1.seen
equal "$(virsh -q -c qemu:///system domid "$(of_root)")" "$domain" "domain"

note "a stopped guest has no agent, and no key lies about"
pid=$(agent_pid)
boots=$(page "$port" | sed -n 's/^system-boots: //p')
appliance stop seen
wait_for 10 "the proxy knows" eval '! is_connected kbh1.seen'
wait_for 5 "the agent has ended" has_ended "$pid"
[ ! -e "$dir/agent" ] || fail "its key still lies there"

note "its boot can be seen"
appliance start seen
wait_for 10 "it is registered" is_connected kbh1.seen
probe 0 -c "$(code_for kbh1.seen)" -e -n 500000
page_says "$port" "system-boots: $((boots + 1))" && fail "it had booted before anybody could look" || true
wait_for 120 "page" page_says "$port" "system-boots: $((boots + 1))"

note "without parameters again, the agent goes and the screen is at loopback"
echo "GREETING: hello" >"$params"
pid=$(agent_pid)
appliance converge seen
wait_for 5 "the agent has ended" has_ended "$pid"
appliance show seen >show.txt
grep -q '^vnc  *127[.]0[.]0[.]1:59' show.txt || fail "no VNC at loopback: $(cat show.txt)"

note "beside the version that runs, and in its place once it is well"
set_params
"${CTL[@]}" --quiet machine add kbh1.beside --user anna >machine.pem
for version in 1.0 2.0; do
	deb=$(tiny_altered beside $version "Network: none" "Graphics: vnc" "Upgrade: parallel" "Watch: 0s" \
		"-Ports:" "-Data:" "-Health:")
	sed "s/kbh1.seen/kbh1.beside/; s#^IDENTITY: .*#IDENTITY: $(base64 -w 0 machine.pem)#" "$params" \
		>"$root/var/lib/waybill/params/beside"
	site_dpkg -i "$deb" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
	appliance converge beside
	wait_for 10 "version $version is registered" is_connected kbh1.beside
done
[ ! -e "${dir%/*}/beside/agent" ] || fail "the agent of 1.0 is still there"
second=${dir%/*}/beside@b
contains "$second/agent/vncagent.conf" "Endpoint: $second/screen/vnc"
pid=$(agent_pid "$second")

note "purge leaves nothing"
site_dpkg -P seen beside >dpkg.log 2>&1 ||
	{ cat dpkg.log >&2; fail "dpkg -P"; }
wait_for 5 "the agent of what was purged has ended" has_ended "$pid"
wait_for 10 "the proxy knows" eval '! is_connected kbh1.beside'
equal "$(find "$root/var/lib/waybill" ! -type d ! -name state.db ! -name appliance.lock)" "" \
	"files after purge"
