#!/bin/bash
# tests/install/watch ends an installation that asks, fails or hangs, and no other.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"

# watched STATUS TEXT [UNTIL]: with what is in console and syslog, and a process in the place
# of QEMU that would run on. TEXT must be among the events.
watched()
{
	sleep 600 &
	local machine=$!
	track_pid $machine
	rm -f events
	STALL_SECONDS=${STALL_SECONDS:-60} run_exit "$1" \
		"$top_srcdir/tests/install/watch" console syslog $machine events "${3:-}"
	contains events "$2"
	! kill -0 $machine 2>/dev/null || fail "the machine still runs: $2"
}

reset()
{
	printf 'Starting system log daemon: syslogd, klogd.\r\n' >console
	cat >syslog <<-'SYSLOG'
		debconf: --> INPUT critical partman/confirm
		debconf: <-- 30 question skipped
		main-menu[281]: INFO: Menu item 'partman-base' selected
	SYSLOG
}

reset
watched 0 "menu partman-base" "menu partman-base"
lacks events FAILED

note "a question that would be shown"
echo 'debconf: --> INPUT high netcfg/get_hostname' >>syslog
echo 'debconf: <-- 0 question will be asked' >>syslog
watched 1 "FAILED: it wants to ask: high netcfg/get_hostname"

note "a prompt, which ends no line"
reset
printf '\033[0m!! ERROR: no mirror\r\n  1: Continue\r\nPrompt: ' >>console
watched 1 "FAILED: the installer asks on its console"
reset
printf 'Prompt: ' >>console
watched 1 "FAILED: the installer asks on its console"

note "a kernel that dies, an installer that hangs"
reset
printf '[    1.0] Kernel panic - not syncing: Attempted to kill init!\r\n' >>console
watched 1 "Kernel panic"
reset
STALL_SECONDS=3 watched 1 "FAILED: silent for 3 s"

note "a machine that switches itself off"
reset
rm events
sleep 2 &
run_exit 0 "$top_srcdir/tests/install/watch" console syslog $! events
run_exit 1 "$top_srcdir/tests/install/watch" console syslog $! events "menu pkgsel"
