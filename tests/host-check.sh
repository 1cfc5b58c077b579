#!/bin/bash
# waybill-host-check: each thing that can be wrong with a host is made wrong here, and is said.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/hostnet.sh"
need_namespaces
need virsh jq ssh-keygen /usr/sbin/sshd
hostnet_init
new_ns bare
mkdir -p "$root"/{proc/xen,sys/hypervisor,dev,var/lib/waybill,etc/waybill/ssh}
export WAYBILL_LIBVIRT_URI=test:///default
mkdir stubs
printf '#!/bin/sh\nexit 0\n' >stubs/qemu-system-x86_64
chmod +x stubs/qemu-system-x86_64

# ask [-n NAMESPACE] CHECK...: its findings are in findings.json
ask()
{
	local ns=host status=0
	[ "$1" != -n ] || { ns=$2; shift 2; }
	in_ns "$ns" env PATH="$T/stubs:$PATH" waybill-host-check --root "$root" --json "$@" \
		>findings.json 2>check.err || status=$?
	[ ! -s check.err ] || { cat check.err >&2; fail "waybill-host-check $*"; }
	equal $status "$(jq '[.findings[] | select(.result == "problem")] | if length > 0 then 1 else 0 end' \
		findings.json)" "exit of waybill-host-check $*"
}

# said CHECK RESULT TEXT [ADVICE]: one of the findings is this
said()
{
	jq -e --arg check "$1" --arg result "$2" --arg text "$3" --arg advice "${4:-}" \
		'.format == "waybill-host-check 1" and any(.findings[]; .check == $check and .result == $result
		and (.text | contains($text)) and ($advice == "" or ((.advice // "") | contains($advice))))' \
		findings.json >/dev/null || { cat findings.json >&2; fail "it does not say: $1 $2 $3 $4"; }
}

# cpu FLAG...
cpu()
{
	printf 'processor\t: 0\nflags\t\t: fpu %s sse2\n' "$*" >"$root/proc/cpuinfo"
}

note "virtualisation"
cpu
ask virtualisation
said virtualisation problem "switched off in the BIOS" "Intel VT-x, or AMD-V"
cpu hypervisor
ask virtualisation
said virtualisation warning "this machine is a virtual one" "nested"
cpu vmx
ask virtualisation
said virtualisation problem "there is no $root/dev/kvm" "modprobe kvm_intel"
cpu svm
touch "$root/dev/kvm"
ask virtualisation
said virtualisation warning "does not start in it"
cpu
echo xen >"$root/sys/hypervisor/type"
echo control_d >"$root/proc/xen/capabilities"
ask virtualisation
said virtualisation ok "Xen"

note "disk"
in_ns host mount -t tmpfs -o size=16M tmpfs "$root/var/lib/waybill"
ask disk
said disk problem "has 16.0 MiB: too small" "at least 10 GiB"
in_ns host umount "$root/var/lib/waybill"
mv "$root/var/lib/waybill" "$root/var/lib/elsewhere"
ask disk
said disk problem "there is no $root/var/lib/waybill" "install waybill-site"
mv "$root/var/lib/elsewhere" "$root/var/lib/waybill"

note "clock"
ask clock
said clock ok "T"
printf 'Format: waybill-enrolment 1\nToken: x\nNot-Before: 2090-01-01T00:00:00Z\n' \
	>"$root/etc/waybill/enrolment"
ask clock
said clock problem "before this site's enrolment (2090-01-01T00:00:00Z)" "battery"
rm "$root/etc/waybill/enrolment"
printf 'Site: kbh1\nDate: 2091-01-01T00:00:00Z\n' >"$root/var/lib/waybill/site.list"
ask clock
said clock problem "before the last list (2091"
rm "$root/var/lib/waybill/site.list"

note "network"
ask -n bare network
said network problem "no network card of this host has an address" "cable"
in_ns host ip route del default
ask network
said network warning "no default route"
in_ns host ip route add default via 198.51.100.1
ask network
said network ok "default route"

# server HOST PORT: pkgmgr.conf says this one
server()
{
	printf 'Site: kbh1\nServer: imagerepo@%s\nPort: %s\nFetch-User: nobody\nTimeout: 10s\n' \
		"$1" "$2" >"$root/etc/waybill/pkgmgr.conf"
}

note "name"
ask name
said name problem "this site is not configured" bundle
start_in outside dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null \
	--pid-file --address=/hq.waybill.test/198.51.100.1 --local=/waybill.test/ \
	--listen-address=198.51.100.1 --bind-interfaces 2>outside-dns.log
wait_for 10 "the resolver" in_ns outside grep -q ' 016433C6:0035 \|:0035 ' /proc/self/net/udp
printf 'options timeout:1 attempts:1\nnameserver 198.51.100.77\n' >resolv.conf
in_ns host mount --bind "$T/resolv.conf" /etc/resolv.conf
server hq.waybill.test 22
ask network name route key
said name problem "no name server answers" "/etc/resolv.conf"
said route skipped "name must be mended first"
said key skipped "name must be mended first"
printf 'options timeout:1 attempts:2\nnameserver 198.51.100.1\n' >resolv.conf
server nowhere.waybill.test 22
ask name
said name problem "the name nowhere.waybill.test is not known" "pkgmgr.conf"
server hq.waybill.test 22
ask name
said name ok "hq.waybill.test is known"

note "route"
ask route
said route problem "nothing listens at its port 22" "sshd"
server 203.0.113.9 22
in_ns host ip route add unreachable 203.0.113.0/24
ask name route
said name ok "203.0.113.9"
said route problem "there is no route to 203.0.113.9" "ip route"
server 198.51.100.1 2222
in_ns outside nft 'add table ip silent; add chain ip silent in { type filter hook input priority 0; };
	add rule ip silent in tcp dport 2222 drop'
ask route
said route problem "does not answer at port 2222" "router"
in_ns outside nft delete table ip silent
start_in outside socat TCP-LISTEN:2222,fork,reuseaddr 'SYSTEM:echo HTTP/1.0 400 Bad'
wait_for 10 "no ssh server" in_ns outside grep -q ':08AE ' /proc/self/net/tcp
ask route
said route problem "is no ssh server" "Port"

note "key"
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f host_key
ssh-keygen -q -t ed25519 -N '' -f "$root/etc/waybill/ssh/id_ed25519"
chown -R nobody "$root/etc/waybill/ssh"
chmod 755 "$T"
cat >sshd.conf <<-CONF
	ListenAddress 198.51.100.1:22
	HostKey $T/host_key
	AuthorizedKeysFile $T/authorized
	PidFile none
	StrictModes no
	UsePAM no
	PermitRootLogin yes
CONF
start_in outside /usr/sbin/sshd -D -e -f "$T/sshd.conf" 2>sshd.log
wait_for 20 "sshd" in_ns outside grep -q ':0016 ' /proc/self/net/tcp
server hq.waybill.test 22
sed -i "s/imagerepo@/$(id -un)@/" "$root/etc/waybill/pkgmgr.conf"
# gate COMMAND: what the key may run there
gate()
{
	echo "restrict,command=\"$1\" $(cut -d' ' -f1,2 "$root/etc/waybill/ssh/id_ed25519.pub")" >authorized
}
echo "hq.waybill.test $(cut -d' ' -f1,2 host_key.pub)" >"$root/etc/waybill/ssh/known_hosts"
: >authorized
ask route key
said route ok "answers at port 22"
said key problem "refuses this site's key" "id_ed25519.pub, and which site this is: kbh1"
gate "date -u +%Y-%m-%dT%H:%M:%SZ"
ask clock key
said key ok "takes it"
said clock ok "T"
gate "echo 2090-01-01T00:00:00Z"
ask clock key
said clock problem "the clock is slow by" "Set-Clock"
gate "echo 2001-01-01T00:00:00Z"
ask key
said clock problem "the clock is fast by"
gate "echo this key waits for the operator >&2; exit 3"
ask key
said key problem "does not take this site's key yet" "imagerepo site pending"
contains findings.json "this key waits for the operator"
echo "hq.waybill.test $(cut -d' ' -f1,2 "$root/etc/waybill/ssh/id_ed25519.pub")" \
	>"$root/etc/waybill/ssh/known_hosts"
ask key
said key problem "not the one whose key is pinned" "stands in between"
echo "hq.waybill.test $(cut -d' ' -f1,2 host_key.pub)" >"$root/etc/waybill/ssh/known_hosts"
mv "$root/etc/waybill/ssh/id_ed25519" key
ask key
said key problem "this site has no key"
mv key "$root/etc/waybill/ssh/id_ed25519"
gate "date -u +%Y-%m-%dT%H:%M:%SZ"

note "libvirt"
ask libvirt
said libvirt ok "test:///default"
WAYBILL_LIBVIRT_URI="qemu+unix:///system?socket=$T/none" ask libvirt
said libvirt problem "libvirt does not answer" "systemctl status libvirtd"
echo "Libvirt-URI: qemu+unix:///system?socket=$T/other" >"$root/etc/waybill/appliance.conf"
WAYBILL_LIBVIRT_URI='' ask libvirt
said libvirt problem "socket=$T/other"

note "bridge, dhcp, firewall"
ask bridge dhcp firewall
said bridge problem "there is no bridge wb0" "waybill-hostconfig up"
said dhcp skipped "bridge must be mended first"
said firewall problem "no firewall is loaded" "waybill-hostconfig up"
cp "$root/etc/waybill/nftables.conf" good.conf
echo "}" >>"$root/etc/waybill/nftables.conf"
hostconfig up 2>/dev/null && fail "broken rules were loaded"
cp good.conf "$root/etc/waybill/nftables.conf"
ask firewall
said firewall problem "the rules could not be loaded"
hostconfig up
ask bridge dhcp firewall
said bridge ok "192.168.147.1"
said dhcp problem "dnsmasq does not answer" "waybill-dnsmasq"
said firewall ok "loaded"
start_dnsmasq
ask dhcp
said dhcp ok "answers"
in_ns host ip address del 192.168.147.1/24 dev wb0
ask bridge
said bridge problem "has not the address 192.168.147.1"
hostconfig up
echo "Lan-Interface: lan1 lan9" >>"$root/etc/waybill/hostconfig.conf"
ask bridge
said bridge problem "there is no network card lan9"
said bridge problem "the network card lan1 is not in the bridge"
echo "Lan-Interface: lan1" >"$root/etc/waybill/hostconfig.conf"
hostconfig up
sed -i 's/^Lan/Lna/' "$root/etc/waybill/hostconfig.conf"
ask bridge
said bridge problem "Lna-Interface" "mend that file"
sed -i 's/^Lna/Lan/' "$root/etc/waybill/hostconfig.conf"

note "a host that is well: exit 0, in words"
ask virtualisation clock network name route key bridge dhcp firewall
in_ns host waybill-host-check --root "$root" clock network bridge firewall >words.txt
contains words.txt "ok        firewall        loaded"
equal "$(wc -l <words.txt)" 4 "lines"
note "bad usage"
run_exit 2 waybill-host-check --root "$root" nonsense
contains err "there is no check 'nonsense'; there are: virtualisation"
run_exit 2 waybill-host-check --frobnicate
contains err "see waybill-host-check --help"
run_exit 1 waybill-host-check --root "$T/nowhere"
