#!/bin/bash
# The network behind a host, in namespaces: a thin client gets its address and its names
# through the bridge, is masqueraded out, and reaches what the table of 2007 allows and nothing
# else. Real dnsmasq, nft and kernel.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/hostnet.sh"
need_namespaces
hostnet_init

# The table, from the project's notes; written here once more, on purpose.
out_tcp=(20 21 22 80 110 119 143 443 465 631 636 902 993 995 3389 3690 6000 6001 6002 6003 6004
	6005 6006 6007 6008 6009 6666 6667 6668 6669 8001 9100 11371)
out_udp=(53 67 68 123 443 514 1194 45000)
lan_tcp=(111 2049 32765 32766 32767 32768)
lan_udp=(69 111 2049 32765 32766 32767 32768)

# neighbours PORT...: the ports beside these that are not among them, and some that are asked for
# often
neighbours()
{
	local port
	for port in "$@"; do
		printf '%s\n' $((port - 1)) $((port + 1))
	done | cat - <(printf '%s\n' 23 25 137 445 1433 3306 5432 5900 8080 16509 65535) |
		sort -nu | grep -vxF "$(printf '%s\n' "$@")"
}

# lease NAME [ARGUMENT...]: by DHCP, as a client without anything would; what it was given is
# in $T/lease
cat >lease-script <<'SCRIPT'
#!/bin/sh
[ "$1" = bound ] || exit 0
env | grep -E '^(ip|mask|router|dns|siaddr|boot_file)=' | sort >"$LEASE"
ip address flush dev "$interface" scope global
ip address add "$ip/$mask" dev "$interface"
ip route replace default via "$router"
echo "nameserver $dns" >"$LEASE.resolv"
SCRIPT
chmod +x lease-script
lease()
{
	rm -f lease
	LEASE=$T/lease in_ns "$1" busybox udhcpc -i eth0 -n -q -t 5 -T 1 -s "$T/lease-script" \
		"${@:2}" >udhcpc.log 2>&1 || { cat udhcpc.log dnsmasq.log >&2; fail "no lease for $1"; }
}

note "DHCP and DNS through the bridge"
echo "Lan-Interface: lan1 lan2" >>"$root/etc/waybill/hostconfig.conf"
echo "nameserver 198.51.100.1" >resolv.conf
in_ns host mount --bind "$T/resolv.conf" /etc/resolv.conf
hostconfig up
start_in outside dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null \
	--pid-file --address=/hq.waybill.test/203.0.113.5 --listen-address=198.51.100.1 \
	--bind-interfaces 2>outside-dns.log
resolver=$STARTED_PID
start_dnsmasq
lease thin
contains lease "ip=192.168.147.1"
number=$(sed -n 's/^ip=192.168.147.//p' lease)
[ "$number" -ge 100 ] && [ "$number" -le 120 ] || fail "lease .$number is out of the range"
thin=192.168.147.$number
contains lease "router=192.168.147.1"
contains lease "dns=192.168.147.1"
answer=$(in_ns thin dig +short +time=2 +tries=3 @192.168.147.1 hq.waybill.test)
equal "$answer" 203.0.113.5 "a name that only the site's resolver knows"

note "an instance keeps its address, and has a name and boot files for its neighbours"
mac=$(in_ns other cat /sys/class/net/eth0/address)
echo "$mac,192.168.147.11,access" >"$root/var/lib/waybill/dhcp-hosts/${mac//:/-}"
lease other
contains lease "ip=192.168.147.11"
other=192.168.147.11
equal "$(in_ns thin dig +short +time=2 +tries=3 @192.168.147.1 access)" $other "its name"
lease thin
lacks lease "boot_file"
cat >>"$root/etc/waybill/hostconfig.conf" <<-CONF
	Boot-Server: access
	Boot-File: ltsp/bios.0
	Boot-File-Efi: ltsp/grub.efi
	Dns: 198.51.100.1
CONF
hostconfig up
stop_pid "$DNSMASQ_PID"
echo "nameserver 127.0.0.9" >resolv.conf
start_dnsmasq
lease thin
contains lease "siaddr=$other"
contains lease "boot_file=ltsp/bios.0"
contains lease "ip=$thin"
lease thin -x 0x5d:0007
contains lease "boot_file=ltsp/grub.efi"
answer=$(in_ns thin dig +short +time=2 +tries=3 @192.168.147.1 hq.waybill.test)
equal "$answer" 203.0.113.5 "Dns:"

note "out: every row of the table, masqueraded, and nothing beside it"
stop_pid "$resolver"
echoes outside
for port in "${out_tcp[@]}"; do
	reaches thin tcp 198.51.100.1 "$port" "from ::ffff:198.51.100.2"
done
for port in "${out_udp[@]}"; do
	reaches thin udp 198.51.100.1 "$port" "from ::ffff:198.51.100.2"
done
for port in $(neighbours "${out_tcp[@]}"); do
	refused thin tcp 198.51.100.1 "$port"
done
for port in $(neighbours "${out_udp[@]}"); do
	refused thin udp 198.51.100.1 "$port"
done
in_ns thin busybox ping -c 1 -W 2 198.51.100.1 >/dev/null || fail "ICMP does not get out"
in_ns thin ip address add 10.66.66.66/32 dev eth0
! in_ns thin socat -T1 -u TCP:198.51.100.1:80,bind=10.66.66.66,connect-timeout=1 - 2>/dev/null ||
	fail "a forged address gets out"

note "between two ports of the bridge: the same, TFTP and NFS, and nothing beside it"
echoes other
for port in "${out_tcp[@]}" "${lan_tcp[@]}"; do
	reaches thin tcp $other "$port" "from ::ffff:$thin"
done
for port in "${out_udp[@]}" "${lan_udp[@]}"; do
	reaches thin udp $other "$port" "from ::ffff:$thin"
done
for port in $(neighbours "${out_tcp[@]}" "${lan_tcp[@]}"); do
	refused thin tcp $other "$port"
done
for port in $(neighbours "${out_udp[@]}" "${lan_udp[@]}"); do
	refused thin udp $other "$port"
done

note "IPv6 between two ports is no way round"
neighbour=$(in_ns other ip -6 -o address show dev eth0 scope link | awk '{ sub("/.*", "", $4); print $4 }')
in_ns thin ip address add fd00:147::2/64 dev eth0 nodad
in_ns other ip address add fd00:147::3/64 dev eth0 nodad
[ -n "$neighbour" ] || fail "other has no IPv6 address"
reaches thin tcp fd00:147::3 22 "from fd00:147::2"
refused thin tcp fd00:147::3 23

note "real TFTP: answers come from another port"
mkdir tftp
head -c 20000 /dev/urandom >tftp/pxelinux.0
chmod 755 tftp && chmod 644 tftp/pxelinux.0
start_in other dnsmasq --keep-in-foreground --port=0 --conf-file=/dev/null --pid-file \
	--enable-tftp --tftp-root="$T/tftp" --tftp-no-blocksize --user=root 2>tftp.log
in_ns other nft delete table inet echoes
has_file()
{
	in_ns thin busybox tftp -g -r pxelinux.0 -l "$T/fetched" $other >tftp-client.log 2>&1
}
wait_for 10 "the file by TFTP" has_file
cmp tftp/pxelinux.0 fetched
