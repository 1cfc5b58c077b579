#!/bin/bash
# A site serves its neighbours, where the operator's policy says so: pkgmgrd starts the server,
# the host's firewall lets these neighbours reach that port, and nothing else is opened. Real
# programs, nft and kernel.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/hostnet.sh"
need_namespaces
need curl gpg ssh-keygen jq
hostnet_init
near=198.51.100.9
far=198.51.100.200
in_ns outside ip address add $near/24 dev net0
in_ns outside ip address add $far/24 dev net0
echo "Lan-Interface: lan1 lan2" >>"$root/etc/waybill/hostconfig.conf"
in_ns thin ip address add 192.168.147.100/24 dev eth0
hash=$(printf kept | sha256sum | cut -d' ' -f1)
mkdir -p "$root/var/cache/waybill/shared/by-sha256" "$root/var/lib/waybill"
printf kept >"$root/var/cache/waybill/shared/by-sha256/$hash"
for port in 22 8479 8481; do
	listens_on host $port
done

# takes ADDRESS: does a neighbour outside, at this address, get the file?
takes()
{
	[ "$(in_ns outside curl -s -m 2 --interface "$1" "http://198.51.100.2:8480/by-sha256/$hash")" = kept ]
}

# nothing_else: of the ports beside, and for ssh, nothing has changed
nothing_else()
{
	local port
	for port in 22 8479 8481; do
		refused outside tcp 198.51.100.2 $port
	done
	! in_ns outside socat -T1 -u "TCP:198.51.100.2:22,bind=$near,connect-timeout=1" - 2>/dev/null ||
		fail "ssh is open"
	refused outside udp 198.51.100.2 8480
}

serves()
{
	in_ns host grep -q ':2120 00000000:0000 0A ' /proc/self/net/tcp
}

serves_not()
{
	! serves
}

make_operator
imagerepo site bundle kbh1 2>/dev/null | tar -x -C "$root" --no-same-owner etc/waybill
echo "Fetch-User: nobody" >>"$root/etc/waybill/pkgmgr.conf"
chmod 644 "$root/etc/waybill/pkgmgr.conf"
list=$root/var/lib/waybill/site.list

# policy LINE...: what the operator writes and signs, as the site has it after its sync
policy()
{
	printf '%s\n' "$@" >repo/private/sites/kbh1/policy
	imagerepo resign >/dev/null
	cp repo/private/sites/kbh1/out/site.list "$list"
	{
		printf 'Site: kbh1\nSync-At: %s\nSplay: 45m\n' "$(date -d '12 hours' +%H:%M)"
		sed -n '/^Serve-To:/p' "$list"
	} >schedule
	mv schedule "$root/var/lib/waybill/schedule"
	hostconfig up
}

# Syncs fail at once: nothing is there to sync with.
mkdir bin
printf '#!/bin/sh\n[ "$3" = sync ] && exit 1\nexec "%s" "$@"\n' "$(command -v pkgmgr)" >bin/pkgmgr
chmod +x bin/pkgmgr
pkgmgrd()
{
	start_in host env PATH="$T/bin:$PATH" pkgmgrd --root "$root" run 2>>pkgmgrd.log
	wait_for 10 "pkgmgrd" in_ns host test -S "$root/run/waybill/pkgmgrd.sock"
}

note "nobody is served unless that is asked for"
policy "Max-Removals: 3"
pkgmgrd
daemon=$STARTED_PID
run_exit 0 in_ns host pkgmgr --root "$root" serve --by-policy
contains err "Serve-To names none"
serves_not || fail "it serves nobody"
nothing_else
start_in host perl "$top_srcdir/tests/lib/echo.pl" 8480 "host 8480"
listener=$STARTED_PID
wait_for 10 "a listener" in_ns host grep -q ":2120 " /proc/self/net/tcp6
refused outside tcp 198.51.100.2 8480
stop_pid $listener
stop_pid $daemon

note "the policy names a network: pkgmgrd starts the server, and its firewall lets that network in"
policy "Serve-To: $near 10.9.0.0/16"
contains "$root/var/lib/waybill/schedule" "Serve-To: $near/32 10.9.0.0/16"
pkgmgrd
daemon=$STARTED_PID
wait_for 30 "the server" serves
takes $near || fail "a neighbour gets nothing"
! takes $far || fail "it is open to all"
! takes 198.51.100.1 || fail "it is open to all"
nothing_else
hostconfig show >show.txt
contains show.txt "serve to         $near/32 10.9.0.0/16"
hostconfig --json show | jq -e ".serve_to == [\"$near/32\", \"10.9.0.0/16\"] and .ssh_from == []" >/dev/null ||
	fail "show --json"
server=$(pgrep -f -- "--root $root serve --by-policy" | head -n 1)
equal "$(stat -c %U "/proc/$server")" nobody "user of the server"

note "without the firewall the server itself knows whom it serves"
hostconfig down
takes $near || fail "a neighbour gets nothing"
! takes $far || fail "the server serves all"
hostconfig up

note "a change is followed, and 'none' ends it"
policy "Serve-To: $far"
wait_for 20 "the other neighbour" takes $far
! takes $near || fail "who was a neighbour is served"
stop_pid $daemon
wait_for 10 "the server ends with pkgmgrd" serves_not
pkgmgrd
daemon=$STARTED_PID
wait_for 10 "and comes back with it" serves
policy "Serve-To: none"
wait_for 20 "its end" serves_not
! takes $far || fail "none serves"
nothing_else
stop_pid $daemon

note "the site's own word goes before the policy"
echo "Serve-To: 198.51.100.0/24" >>"$root/etc/waybill/pkgmgr.conf"
hostconfig up
start_in host pkgmgr --root "$root" serve --by-policy >/dev/null
wait_for 10 "the server" serves
takes $near && takes $far || fail "pkgmgr.conf's network is not served"
nothing_else
sed -i 's/^Serve-To: .*/Serve-To: none/' "$root/etc/waybill/pkgmgr.conf"
policy "Serve-To: any"
wait_for 20 "its end" serves_not
! takes $near || fail "the policy goes before the site's own word"

note "'private' is RFC 1918, 'any' is anybody"
sed -i '/^Serve-To:/d' "$root/etc/waybill/pkgmgr.conf"
policy "Serve-To: private"
hostconfig show >show.txt
contains show.txt "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"
start_in host pkgmgr --root "$root" serve --by-policy >/dev/null
wait_for 10 "the server" serves
! takes $near || fail "198.51.100.9 is not private"
equal "$(in_ns thin curl -s -m 2 "http://192.168.147.1:8480/by-sha256/$hash")" kept "what a machine behind gets"
policy "Serve-To: any"
wait_for 20 "everybody" takes $near
takes $far || fail "any is not anybody"

note "a list that is not to be believed opens nothing; nor does a conf that cannot be read"
policy "Serve-To: $far"
sed -i "s|^Serve-To: .*|Serve-To: 0.0.0.0/0|" "$list"
run_exit 3 in_ns host waybill-hostconfig --root "$root" up
! takes $near || fail "an altered list opens the port"
policy "Serve-To: any"
echo "Serve-To: 198.51.100.9/24" >>"$root/etc/waybill/pkgmgr.conf"
run_exit 2 in_ns host waybill-hostconfig --root "$root" up
contains err "Serve-To"
! takes $near || fail "a broken pkgmgr.conf opens the port"
echo "Serve-To: everybody" >repo/private/sites/kbh1/policy
run_exit 1 imagerepo resign
contains err "Serve-To: 'everybody'"

note "cron follows the list where there is no systemd"
sed -n 's/^\* \* \* \* \*  root //p' "$top_srcdir/debian/waybill-hostconfig.waybill-hostconfig.cron.d" |
	sed "s|/run/systemd/system|$T/systemd|; s|/var/lib/waybill|$root/var/lib/waybill|g
		s|/run/waybill|$root/run/waybill|g; s|/etc/waybill|$root/etc/waybill|g
		s|--quiet up|--quiet --root $root up|" >minute
[ -s minute ] || fail "no line in cron.d/waybill-hostconfig"
sed -i '/^Serve-To:/d' "$root/etc/waybill/pkgmgr.conf"
cp repo/private/sites/kbh1/out/site.list "$list"
made=$root/run/waybill/hostconfig.nft
mkdir systemd
before=$(stat -c %y "$made")
in_ns host sh "$T/minute"
equal "$(stat -c %y "$made")" "$before" "what cron does beside systemd"
rmdir systemd
in_ns host sh "$T/minute"
contains "$made" "serve_to { 0.0.0.0/0 }"
before=$(stat -c %y "$made")
in_ns host sh "$T/minute"
equal "$(stat -c %y "$made")" "$before" "what cron does when nothing changed"
rm "$root/run/waybill/host-network"
touch "$list"
in_ns host sh "$T/minute"
equal "$(stat -c %y "$made")" "$before" "what cron does where the network was taken down"
