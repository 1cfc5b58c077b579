#!/bin/bash
# Network: nat: two guests with addresses of their own, reached through the host's ports, and
# nothing left of network and firewall when they have gone.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_libvirt
need qemu-img curl debugfs nft dnsmasq ip
nft list tables >/dev/null 2>&1 || skip "this kernel has no nftables"
virsh -q -c qemu:///system net-info waybill >/dev/null 2>&1 &&
	skip "network waybill is in use by somebody else"
make_site
echo "Nat-Network: 192.168.149.0/24" >>"$root/etc/waybill/appliance.conf"
# An address of the host that is not loopback.
here=$(ip -4 -o addr show scope global | awk 'NR == 1 { sub("/.*", "", $4); print $4 }')
[ -n "$here" ] || skip "this host has no address but loopback"

# says PORT TEXT
says()
{
	curl -sf --max-time 3 "http://$here:$1/" | grep -qxF -e "$2"
}

table()
{
	nft list table ip "waybill_$(printf %s "$root" | sha256sum | cut -c1-8)"
}

ports=("$(free_port)" "$(free_port)")
for i in 0 1; do
	deb=$(tiny_altered "nat$i" 1.0 "Network: nat" "Ports: ${ports[i]}:80")
	echo "GREETING: this is nat$i" >"$root/var/lib/waybill/params/nat$i"
	root_dpkg "$root" -i "$deb" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
done
for i in 0 1; do
	wait_for 120 "page of nat$i" says "${ports[i]}" "greeting: this is nat$i"
done
# address NAME: of the ones that are kept for instances
address()
{
	appliance --root "$root" show "$1" |
		sed -n 's/^addresses  *\(192[.]168[.]149[.][1-9][0-9]\)$/\1/p'
}
kept=$(address nat0)
[ -n "$kept" ] || fail "no address of nat0"
[ "$kept" != "$(address nat1)" ] || fail "one address for two"

note "an address outlives a restart, and a stopped guest's ports are closed"
appliance --root "$root" stop nat0
table >rules
lacks rules "dport ${ports[0]}"
contains rules "dport ${ports[1]}"
appliance --root "$root" start nat0
wait_for 120 "page of nat0 again" says "${ports[0]}" "system-boots: 2"
table >rules
contains rules "dnat to $kept:80"

note "what comes in the place of another is reached, though that one's lease runs on"
root_dpkg "$root" -P nat0 >dpkg.log 2>&1
table >rules
lacks rules "dport ${ports[0]}"
deb=$(tiny_altered nat2 1.0 "Network: nat" "Ports: ${ports[0]}:80")
root_dpkg "$root" -i "$deb" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i"; }
wait_for 120 "page of nat2" says "${ports[0]}" "tiny 1.0"

note "nothing is left"
root_dpkg "$root" -P nat2 >dpkg.log 2>&1
root_dpkg "$root" -P nat1 >dpkg.log 2>&1
! table 2>/dev/null || fail "the table is left"
! virsh -q -c qemu:///system net-info waybill 2>/dev/null || fail "the network is left"
