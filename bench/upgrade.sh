#!/bin/bash
# The gap in service that an upgrade makes, as a client sees it that asks every 100 ms, in
# real guests:
#   replace    against the guest's own shutdown and boot, done by virsh alone
#   parallel   beside the old version, with ports that turn over
#   rollback   of a version whose service does not come up: from the decision to the old
#              page, against the old guest's boot
# Medians of BENCH_RUNS (3) runs of each, one after the other.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_libvirt
need dpkg qemu-img curl debugfs nft dnsmasq ip
runs=${BENCH_RUNS:-3}
failed=0
make_site
echo "Nat-Network: 192.168.150.0/24" >>"$root/etc/waybill/appliance.conf"
here=$(ip -4 -o addr show scope global | awk 'NR == 1 { sub("/.*", "", $4); print $4 }')
port=$(free_port)

appliance()
{
	command appliance --root "$root" --quiet "$@"
}

now_ms()
{
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# ask URL: a line for each request, "<ms> <version>", the version empty if there was none
ask()
{
	local started
	while :; do
		started=$(now_ms)
		echo "$started $({ curl -sf --max-time 1 "$1" || true; } | sed -n 's/^tiny //p')"
		while [ $(($(now_ms) - started)) -lt 100 ]; do sleep 0.01; done
	done
}

start_asking()
{
	ask "$1" >"$T/asked" &
	asker=$!
	track_pid $asker
	sleep 0.5
}

stop_asking()
{
	kill $asker
	wait $asker 2>/dev/null || true
}

# gap: the longest time between two answers, in ms
gap()
{
	awk 'NF == 2 { if (last && $1 - last > gap) gap = $1 - last; last = $1 }
		END { print gap + 0 }' "$T/asked"
}

# median FILE
median()
{
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

install()
{
	root_dpkg "$root" -i "$1" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i $1"; }
}

# Called by name, through wait_for.
# shellcheck disable=SC2317
answers() { curl -sf --max-time 1 "$1" | grep -qx "tiny $2"; }

purge()
{
	root_dpkg "$root" -P "$1" >dpkg.log 2>&1
}

# shellcheck disable=SC2317
is_off()
{
	[ "$(virsh -q -c qemu:///system domstate "$1" | head -1)" = "shut off" ]
}

url=http://127.0.0.1:$port/
checks=("Ports: $port:80" "Watch: 0s" "Health: http:80/ deadline=120s interval=1s")
one=$(tiny_altered replace 1.0 "${checks[@]}")
two=$(tiny_altered replace 2.0 "${checks[@]}")
ALTER=$T/alter
mkdir -p "$ALTER/etc"
printf '%s\n' "::sysinit:/sbin/init-tiny" >"$ALTER/etc/inittab"
sick=$(tiny_altered replace 3.0 "Ports: $port:80" "Watch: 0s" \
	"Health: http:80/ deadline=20s interval=1s")
ALTER=

for run in $(seq "$runs"); do
	note "run $run: replace"
	install "$one"
	appliance converge replace
	domain=$(of_root)
	start_asking "$url"
	virsh -q -c qemu:///system shutdown "$domain" >/dev/null
	wait_for 60 "the guest is off" is_off "$domain"
	virsh -q -c qemu:///system start "$domain" >/dev/null
	started=$(now_ms)
	wait_for 120 "its page" answers "$url" 1.0
	echo $(($(now_ms) - started)) >>boot
	sleep 1
	stop_asking
	gap >>own

	start_asking "$url"
	install "$two"
	appliance converge replace
	wait_for 120 "the new page" answers "$url" 2.0
	sleep 1
	stop_asking
	gap >>replace

	note "run $run: rollback"
	# The run before has told this site that the version is bad.
	[ "$run" = 1 ] || appliance forgive replace
	install "$sick"
	start_asking "$url"
	command appliance --root "$root" converge replace 2>converge.log >/dev/null &
	converge=$!
	wait_for 90 "the decision" grep -q instance-revert converge.log
	decided=$(now_ms)
	wait_for 120 "the old page" answers "$url" 2.0
	echo $(($(now_ms) - decided)) >>rollback
	wait $converge || true
	stop_asking
	purge replace
done

if [ -n "$here" ] && nft list tables >/dev/null 2>&1; then
	url=http://$here:$port/
	beside=("Network: nat" "Upgrade: parallel" "-Data:" "${checks[@]}")
	one=$(tiny_altered beside 1.0 "${beside[@]}")
	two=$(tiny_altered beside 2.0 "${beside[@]}")
	for run in $(seq "$runs"); do
		note "run $run: parallel"
		install "$one"
		appliance converge beside
		start_asking "$url"
		install "$two"
		appliance converge beside
		wait_for 120 "the new page" answers "$url" 2.0
		sleep 1
		stop_asking
		gap >>parallel
		purge beside
	done
else
	note "parallel: not measured, this host has no nftables or no address"
fi

# verdict WHAT GAP LIMIT
verdict()
{
	local word=ok
	[ "$2" -le "$3" ] || { word=MISSED failed=1; }
	printf '%-44s %6d ms   at most %6d ms   %s\n' "$1" "$2" "$3" "$word"
}

own=$(median own) boot=$(median boot)
printf '\n%-44s %6d ms\n%-44s %6d ms\n' "the guest's own shutdown and boot" "$own" \
	"the old guest's boot to its page" "$boot"
verdict "replace: gap in service" "$(median replace)" $((own + 2000))
verdict "rollback: from the decision to the old page" "$(median rollback)" $((boot + 3000))
[ ! -e parallel ] || verdict "parallel: gap in service" "$(median parallel)" 1000
exit $failed
