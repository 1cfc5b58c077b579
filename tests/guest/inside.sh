# shellcheck shell=bash
# What scripts inside a guest share; lies beside them on the second disk. Source it first.
set -u
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive LIBVIRT_DEFAULT_URI=qemu:///system
cd "$(dirname "$0")" || exit 1
failures=0
patience=750 # seconds until a step is thought to hang

# check WHAT COMMAND...
check()
{
	local what=$1 watcher
	shift
	tell_when_it_hangs &
	watcher=$!
	if "$@" >/tmp/check.log 2>&1; then
		echo "ok: $what"
	else
		echo "FAIL: $what: $*"
		head -n 20 /tmp/check.log | sed 's/^/| /'
		failures=$((failures + 1))
	fi
	kill $watcher
}

# What every process waits for, if this is not ended in time: state, parent, its time in user
# and system mode (10 ms). The sleep outlives the one that ends this: a trap that ended both would now
# and then come just before a wait, and be lost.
tell_when_it_hangs()
{
	sleep $patience
	echo "after $patience s:"
	local process
	for process in /proc/[0-9]*; do
		[ ! -s "$process/cmdline" ] || echo "$(basename "$process")" "$(cut -d' ' -f3,4,14,15 \
			"$process/stat")" "$(cat "$process/wchan")" "$(tr '\0' ' ' <"$process/cmdline")"
	done
	tail -n 5 /var/lib/waybill/instances/*/console.log
}

# within SECONDS COMMAND...
within()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 1
	done
}

step()
{
	echo "--- $* ($SECONDS s)"
}

apt_get()
{
	apt-get -q -y -o Dpkg::Use-Pty=0 "$@" </dev/null
}

not()
{
	! "$@"
}

# Every file that is not a log, a cache, or package management's own memory.
files()
{
	find / -xdev \( -path /tmp -o -path /var/log -o -path /var/cache -o -path /var/tmp \
		-o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/systemd \) \
		-prune -o -print | sort
}

domain_known() { virsh -q list --all --name | grep -q tiny; }
domain_runs() { virsh -q list --name | grep -qx waybill-tiny; }

# disks_sound DIR: of an instance; its domain may run
disks_sound()
{
	local disk
	for disk in "$1"/*.qcow2; do
		qemu-img check -q -U "$disk" || return
	done
}

# The last line of a script: its exit status.
no_failures()
{
	step "$failures failures"
	[ $failures = 0 ]
}
