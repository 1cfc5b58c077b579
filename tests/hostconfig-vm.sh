#!/bin/bash
# Appliances on the host's bridge: with `Network: nat` a guest gets its address there, a neighbour
# knows it by its name, its port and that of one with `Network: user` are reached from outside
# through the firewall, and what is no port of theirs is not. A libvirtd of its own, in the host's
# namespaces.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
. "$top_srcdir/tests/lib/hostnet.sh"
need_namespaces
need virsh libvirtd virtlogd qemu-system-x86_64 qemu-img curl debugfs
[ ! -c /dev/kvm ] || chmod 0666 /dev/kvm
hostnet_init
make_dpkg_root "$root"
mkdir -p "$root/var/lib/waybill/params"
echo "Stop-Timeout: 10s" >"$root/etc/waybill/appliance.conf"
echo "Lan-Interface: lan1" >>"$root/etc/waybill/hostconfig.conf"

# libvirt's state is in tmpfs, and its daemons go by other names: tests/lib/libvirt-daemons
# must not take them for the ones that tests share.
in_ns host sh -c 'for dir in /run /etc/libvirt/qemu /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
	mount -t tmpfs tmpfs $dir; done; mkdir -p /run/lock /var/lib/libvirt/qemu /var/log/libvirt/qemu'
for name in virtlogd libvirtd; do
	cp "$(command -v $name)" "own-$name"
	start_in host "$T/own-$name" 2>"$name.log"
done
wait_for 60 "libvirtd answers" in_ns host virsh -q -c qemu:///system uri

# on_host COMMAND...
on_host()
{
	in_ns host "$@"
}

# put_appliance NAME CONF LINE...
put_appliance()
{
	local deb
	deb=$(tiny_altered "$1" 1.0 "${@:2}")
	echo "GREETING: this is $1" >"$root/var/lib/waybill/params/$1"
	on_host dpkg --root="$root" --force-script-chrootless --force-not-root -i "$deb" >dpkg.log 2>&1 ||
		{ cat dpkg.log >&2; fail "dpkg -i $1"; }
}

# says NAME ADDRESS PORT TEXT
says()
{
	in_ns "$1" curl -sf --max-time 3 "http://$2:$3/" | grep -qxF -e "$4"
}

hostconfig up
start_dnsmasq
in_ns thin ip address add 192.168.147.100/24 dev eth0
in_ns thin ip route add default via 192.168.147.1
put_appliance inside "Network: nat" "Ports: 8081:80"
put_appliance plain "Network: user" "Ports: 8082:80"

note "on the bridge"
wait_for 120 "page of inside" says thin 192.168.147.10 80 "greeting: this is inside"
equal "$(in_ns thin dig +short +time=2 +tries=3 @192.168.147.1 inside)" 192.168.147.10 "its name"
on_host appliance --root "$root" show inside >show.txt
contains show.txt "addresses         192.168.147.10"
on_host virsh -q -c qemu:///system net-info waybill >/dev/null 2>&1 && fail "libvirt's network is there"

note "from outside: their ports, and nothing else of them or of the host"
wait_for 20 "port of inside" says outside 198.51.100.2 8081 "greeting: this is inside"
wait_for 120 "port of plain" says outside 198.51.100.2 8082 "greeting: this is plain"
in_ns outside ip route add 192.168.147.0/24 via 198.51.100.2
! asks outside tcp 192.168.147.10 80 || fail "outside goes past the port"
says thin 192.168.147.1 8081 "greeting: this is inside" || fail "a neighbour by the host's address"

note "stopped, a port is closed; the address stays, until it is purged"
on_host appliance --root "$root" stop plain
! asks outside tcp 198.51.100.2 8082 || fail "the port of plain is open"
on_host nft list table ip "waybill_$(printf %s "$root" | sha256sum | cut -c1-8)" >rules
lacks rules "dport 8082"
on_host appliance --root "$root" stop inside
on_host appliance --root "$root" start inside
wait_for 120 "page of inside again" says thin 192.168.147.10 80 "system-boots: 2"
for name in inside plain; do
	on_host dpkg --root="$root" --force-script-chrootless --force-not-root -P $name >dpkg.log 2>&1
done
equal "$(ls "$root/var/lib/waybill/dhcp-hosts")" "" "addresses that are kept"
! on_host nft list table ip "waybill_$(printf %s "$root" | sha256sum | cut -c1-8)" 2>/dev/null ||
	fail "the table is left"
