#!/bin/bash
# What reaches the host itself: from outside OpenVPN and the ports of appliances, ssh only if it
# is opened; from behind all. And what `up` does when something is wrong.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/hostnet.sh"
need_namespaces
need gpg ssh-keygen jq
hostnet_init
conf=$root/etc/waybill/hostconfig.conf
lan="Lan-Interface: lan1 lan2"
in_ns outside ip address add 198.51.100.9/24 dev net0
in_ns thin ip address add 192.168.147.100/24 dev eth0
in_ns other ip address add 192.168.147.11/24 dev eth0
for name in thin other; do
	in_ns $name ip route add default via 192.168.147.1
done

# parameters LINE...: hostconfig.conf has these, and `up` has run
parameters()
{
	printf '%s\n' "$@" >"$conf"
	hostconfig up
}

# ssh_from ADDRESS: does the host's ssh answer to this address outside?
ssh_from()
{
	in_ns outside timeout 2 socat -T1 -u "TCP:198.51.100.2:22,bind=$1,connect-timeout=1" - \
		2>/dev/null | grep -q "host 22"
}

echo "$lan" >"$conf"
for port in 22 80 123 161 1194 5900 8080 16509; do
	listens_on host $port
done
reaches outside tcp 198.51.100.2 22 "host 22"
hostconfig up

note "from outside: nothing but OpenVPN; from behind: all"
for port in 22 80 5900 8080 16509; do
	refused outside tcp 198.51.100.2 $port
	reaches thin tcp 192.168.147.1 $port "host $port"
done
for port in 123 161 1194; do
	reaches thin udp 192.168.147.1 $port "host $port"
done
refused outside udp 198.51.100.2 123
refused outside udp 198.51.100.2 161
reaches outside udp 198.51.100.2 1194 "host 1194"
in_ns thin busybox ping -c 1 -W 2 192.168.147.1 >/dev/null || fail "the bridge's ICMP"
! in_ns outside busybox ping -c 1 -W 1 198.51.100.2 >/dev/null || fail "ICMP from outside"
echoes other
in_ns outside ip route add 192.168.147.0/24 via 198.51.100.2
refused outside tcp 192.168.147.11 80
refused outside tcp 192.168.147.1 22

note "ssh from outside, where it is opened"
parameters "$lan" "Ssh-From: 198.51.100.9 fd00::/8"
ssh_from 198.51.100.9 || fail "Ssh-From does not open ssh"
! ssh_from 198.51.100.1 || fail "Ssh-From opens ssh to all"
parameters "$lan" "Ssh-From: any"
ssh_from 198.51.100.1 || fail "Ssh-From: any does not open ssh"
refused outside tcp 198.51.100.2 80
parameters "$lan"
! ssh_from 198.51.100.9 || fail "ssh stays open"
cable host tun0 outside tun0
in_ns host ip address add 10.8.0.2/24 dev tun0
in_ns outside ip address add 10.8.0.1/24 dev tun0
refused outside tcp 10.8.0.2 22
parameters "$lan" "Help-Interface: tun0"
reaches outside tcp 10.8.0.2 22 "host 22"
refused outside tcp 10.8.0.2 80
in_ns outside busybox ping -c 1 -W 2 10.8.0.2 >/dev/null || fail "ping through the VPN"

note "an appliance's ports, as appliance's own table has them"
in_ns host nft -f - <<'NFT'
table ip waybill {
	chain user-ports {
		type filter hook prerouting priority mangle;
		fib daddr type local tcp dport 8080 meta mark set 0x57000000
	}
	chain from-outside {
		type nat hook prerouting priority dstnat;
		fib daddr type local tcp dport 8081 dnat to 192.168.147.11:23
	}
}
NFT
reaches outside tcp 198.51.100.2 8080 "host 8080"
reaches outside tcp 198.51.100.2 8081 "from ::ffff:198.51.100.1"
reaches thin tcp 192.168.147.1 8081 "from ::ffff:192.168.147.1"
refused outside tcp 198.51.100.2 80

note "up may be repeated, and follows another address"
rules=$(in_ns host nft list table inet waybill_host | sha256sum)
link=$(in_ns host ip -o link show wb0)
hostconfig up
equal "$(in_ns host nft list table inet waybill_host | sha256sum)" "$rules" "the rules"
equal "$(in_ns host ip -o link show wb0)" "$link" "the bridge"
parameters "Address: 10.1.2.1/24" "Lan-Interface: lan2"
equal "$(in_ns host ip -4 -o address show dev wb0 | awk '{ print $4 }')" 10.1.2.1/24 "address"
equal "$(in_ns host sh -c 'echo /sys/class/net/wb0/brif/*')" /sys/class/net/wb0/brif/lan2 "ports"

# wrong STATUS TEXT LINE...: `up` with these fails so, and the firewall is as it was
wrong()
{
	printf '%s\n' "${@:3}" >"$conf"
	rules=$(in_ns host nft list table inet waybill_host | sha256sum)
	run_exit "$1" in_ns host waybill-hostconfig --root "$root" up
	contains err "$2"
	equal "$(in_ns host nft list table inet waybill_host | sha256sum)" "$rules" "rules after: $2"
}

note "what is wrong is said, and the firewall stays"
parameters "$lan"
wrong 2 "is no range" "$lan" "Dhcp-Range: 192.168.147.120-192.168.147.100"
wrong 2 "Lan-Card" "Lan-Card: wb0"
wrong 2 "is no network" "$lan" "Ssh-From: 10.0.0.1/8"
wrong 1 "no network card lan9" "Lan-Interface: lan1 lan2 lan9"
wrong 3 "own way out" "Lan-Interface: lan1 lan2 up0"
equal "$(in_ns host sh -c 'ls /sys/class/net/wb0/brif' | xargs)" "lan1 lan2" "ports after an error"
cp "$root/etc/waybill/nftables.conf" good.conf
sed -i 's/tcp dport @services_tcp accept/tcp dport @services_tpc accept/' "$root/etc/waybill/nftables.conf"
wrong 1 "services_tpc" "$lan"
contains err "stays as it was"
echo "no-such-word" >>"$root/etc/waybill/dnsmasq.conf"
cp good.conf "$root/etc/waybill/nftables.conf"
wrong 1 "dnsmasq does not take its configuration" "$lan"
cp "$top_srcdir/hostconfig/conf/dnsmasq.conf" "$root/etc/waybill/"
hostconfig up

note "a host that begins with broken rules is closed, and can still ask its way out"
hostconfig down
equal "$(in_ns host ip -br link show wb0 2>/dev/null)" "" "bridge after down"
reaches outside tcp 198.51.100.2 22 "host 22"
hostconfig down
echo "}" >>"$root/etc/waybill/nftables.conf"
run_exit 1 in_ns host waybill-hostconfig --root "$root" up
echoes outside
reaches host tcp 198.51.100.1 443 "from ::ffff:198.51.100.2"
for port in 22 80; do
	refused outside tcp 198.51.100.2 $port
done
refused thin tcp 198.51.100.1 443
cp good.conf "$root/etc/waybill/nftables.conf"
hostconfig up
reaches thin tcp 198.51.100.1 443 "from ::ffff:198.51.100.2"

note "the site's policy opens ssh, and closes it; a list that nobody signed does not"
make_operator
imagerepo site bundle kbh1 2>/dev/null | tar -x -C "$root" --no-same-owner etc/waybill/trust.d
list=$root/var/lib/waybill/site.list

# policy LINE: what the operator writes, signs, and the site has fetched
policy()
{
	echo "$1" >repo/private/sites/kbh1/policy
	imagerepo resign >/dev/null
	cp repo/private/sites/kbh1/out/site.list "$list"
	hostconfig up
}

parameters "$lan"
policy "Host-Ssh: 198.51.100.9"
ssh_from 198.51.100.9 || fail "Host-Ssh does not open ssh"
! ssh_from 198.51.100.1 || fail "Host-Ssh opens ssh to all"
hostconfig show >show.txt
contains show.txt "ssh by policy    198.51.100.9/32"
parameters "$lan" "Ssh-From: any"
! ssh_from 198.51.100.1 || fail "Ssh-From goes before the policy"
policy "Host-Ssh: none"
! ssh_from 198.51.100.9 || fail "Host-Ssh: none leaves ssh open"
policy "Max-Removals: 3"
ssh_from 198.51.100.1 || fail "without Host-Ssh the host's Ssh-From counts"
parameters "$lan"
policy "Host-Ssh: none"
sed -i 's/^Host-Ssh: none/Host-Ssh: any/' "$list"
run_exit 3 in_ns host waybill-hostconfig --root "$root" up
contains err "Ssh-From is in force and not the policy"
! ssh_from 198.51.100.1 || fail "an altered list opens ssh"
rm "$list"

note "show says what is in force"
parameters "Address: 10.1.2.1/24" "$lan" "Ssh-From: 10.0.0.0/8" "Boot-Server: access"
hostconfig show >show.txt
contains show.txt "10.1.2.100 to 10.1.2.120"
contains show.txt "10.0.0.0/8"
hostconfig --json show | jq -e '.address == "10.1.2.1" and .lan_interfaces == ["lan1", "lan2"]
	and .ssh_from == ["10.0.0.0/8"] and .boot_server == "access" and .help_interface == null' >/dev/null
run_exit 2 waybill-hostconfig --root "$root" frobnicate
run_exit 2 waybill-hostconfig --root "$root" up now
contains err "too many arguments"
