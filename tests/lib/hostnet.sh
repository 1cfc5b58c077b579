# shellcheck shell=bash
# A host and its neighbours, each in a network namespace of its own; source after lib.sh.
#
#     outside 198.51.100.1 ---- up0 198.51.100.2  host  wb0 192.168.147.1 ---- lan1 thin
#                                                                         ---- lan2 other
#
#     hostnet_init             # the four, and the veths between them
#     in_ns thin ip address    # run something there
#     echoes outside           # every TCP and UDP port there answers who asked
#     asks thin tcp 198.51.100.1 80
# shellcheck disable=SC2154 # $T and more come from lib.sh

declare -A NS_PID

need_namespaces()
{
	need_root
	need ip nft dnsmasq socat dig busybox nsenter
	unshare -n ip link add name wb0 type bridge 2>/dev/null ||
		skip "this kernel makes no bridge in a namespace"
	unshare -n nft list tables >/dev/null 2>&1 || skip "this kernel has no nftables"
}

# new_ns NAME: with a mount namespace, where /sys is of its network but has the cgroups still
new_ns()
{
	unshare -n -m sleep infinity </dev/null >/dev/null 2>&1 {_port_lock}>&- &
	NS_PID[$1]=$!
	track_pid $!
	wait_for 10 "namespace $1" _is_apart "${NS_PID[$1]}"
	mkdir -p "$T/cgroup"
	in_ns "$1" sh -c "mount --rbind /sys/fs/cgroup $T/cgroup && mount -t sysfs sysfs /sys &&
		mount --rbind $T/cgroup /sys/fs/cgroup && umount -l $T/cgroup"
	in_ns "$1" ip link set lo up
}

_is_apart()
{
	[ "$(readlink "/proc/$1/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
}

# in_ns NAME COMMAND...
in_ns()
{
	nsenter -t "${NS_PID[$1]}" -n -m "${@:2}"
}

# start_in NAME COMMAND...: in the background, until the test ends. Sets STARTED_PID.
start_in()
{
	(exec nsenter -t "${NS_PID[$1]}" -n -m "${@:2}") </dev/null {_port_lock}>&- &
	STARTED_PID=$!
	track_pid $!
}

# cable NAME CARD NAME CARD: a veth between two of them, both ends up
cable()
{
	ip link add name "$2" netns "${NS_PID[$1]}" type veth peer name "$4" netns "${NS_PID[$3]}"
	in_ns "$1" ip link set "$2" up
	in_ns "$3" ip link set "$4" up
}

hostnet_init()
{
	local name
	for name in host outside thin other; do
		new_ns $name
	done
	cable host up0 outside net0
	in_ns host ip address add 198.51.100.2/24 dev up0
	in_ns outside ip address add 198.51.100.1/24 dev net0
	in_ns host ip route add default via 198.51.100.1
	cable host lan1 thin eth0
	cable host lan2 other eth0
	# As Debian's kernels have it: only bridges that ask for it go through the firewall.
	in_ns host sh -c 'for f in iptables ip6tables; do
		echo 0 >/proc/sys/net/bridge/bridge-nf-call-$f; done' 2>/dev/null || true
	# Else the kernel says once a second only that something is prohibited.
	in_ns host sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'
	root=$T/root
	mkdir -p "$root/etc/waybill"
	cp "$top_srcdir"/hostconfig/conf/*.conf "$root/etc/waybill/"
}

# hostconfig COMMAND...: on the host
hostconfig()
{
	in_ns host waybill-hostconfig --root "$root" "$@"
}

# start_dnsmasq: on the host, as the unit does. Sets DNSMASQ_PID.
start_dnsmasq()
{
	local line
	line=$(sed -n 's/^ExecStart=//p' "$top_srcdir/debian/waybill-hostconfig.waybill-dnsmasq.service")
	# shellcheck disable=SC2086 # words
	start_in host ${line//\/run\//$root/run/} 2>>"$T/dnsmasq.log"
	# shellcheck disable=SC2034 # for the script
	DNSMASQ_PID=$STARTED_PID
	wait_for 10 "dnsmasq" _dnsmasq_answers
}

_dnsmasq_answers()
{
	in_ns host dig +short +time=1 +tries=1 @192.168.147.1 version.bind chaos txt | grep -q dnsmasq
}

# echoes NAME: there, every port that nothing else listens on is answered with who asked
echoes()
{
	in_ns "$1" nft -f - <<-'NFT'
		table inet echoes {
			chain redirect_all {
				type nat hook prerouting priority dstnat;
				meta l4proto tcp redirect to :7777
				meta l4proto udp redirect to :7777
			}
		}
	NFT
	start_in "$1" perl "$top_srcdir/tests/lib/echo.pl" 7777
	wait_for 10 "echo in $1" in_ns "$1" sh -c \
		'grep -q :1E61 /proc/self/net/tcp6 && grep -q :1E61 /proc/self/net/udp6'
}

# listens_on NAME PORT: TCP and UDP, and answers with "NAME PORT"
listens_on()
{
	start_in "$1" perl "$top_srcdir/tests/lib/echo.pl" "$2" "$1 $2"
	wait_for 10 "port $2 in $1" in_ns "$1" grep -q "$(printf ':%04X ' "$2")" /proc/self/net/udp6
}

# asks NAME PROTO ADDRESS PORT: the answer, or nothing and a failure. A datagram must be read
# at once, which bash's read does not do.
asks()
{
	local answer
	answer=$(in_ns "$1" timeout 2 bash -c 'exec 3<>"/dev/$1/$2/$3" &&
		{ [ $1 = tcp ] || echo >&3; } && exec head -n 1 <&3' asks "$2" "$3" "$4" 2>/dev/null)
	[ -n "$answer" ] || return 1
	echo "$answer"
}

# reaches NAME PROTO ADDRESS PORT ANSWER: datagrams may be lost, so three times
reaches()
{
	local _ answer=
	for _ in 1 2 3; do
		answer=$(asks "$1" "$2" "$3" "$4") && break
	done
	equal "$answer" "$5" "$1 to $2 $3 port $4"
}

# refused NAME PROTO ADDRESS PORT
refused()
{
	! asks "$1" "$2" "$3" "$4" >/dev/null || fail "$1 reaches $2 $3 port $4"
}

# make_operator: a repository in $T/repo with a key of its own and the site kbh1, that no server has
make_operator()
{
	make_gnupg operator
	export WAYBILL_REPO=$T/repo
	ssh-keygen -q -t ed25519 -N '' -f "$T/host"
	imagerepo init --key "$KEY_FPR" --list-key "$KEY_FPR" --host-key "$T/host.pub" \
		--url http://hq.waybill.test/ --server imagerepo@hq.waybill.test >/dev/null
	imagerepo site add kbh1 >/dev/null
}
