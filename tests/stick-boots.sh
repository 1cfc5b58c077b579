#!/bin/bash
# The stick boots on BIOS and on UEFI, in QEMU, with Debian's installer, which takes all
# answers from it and begins to partition without a question. make check-install goes on.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/install/mirror.sh"
. "$top_srcdir/tests/install/operator.sh"
. "$top_srcdir/tests/install/machine.sh"

operator_init
operator_stick stick.img
declare -A pid
for firmware in bios uefi; do
	MACHINE=$T/$firmware
	machine_new $firmware network
	machine_stick stick.img
	pid[$firmware]=$MACHINE_PID
done
for firmware in bios uefi; do
	MACHINE=$T/$firmware MACHINE_PID=${pid[$firmware]}
	if ! machine_watch "menu partman-base"; then
		tail -n 30 "$MACHINE/install.syslog" | tr -d '\r' | sed 's/^/| /' >&2
		fail "$firmware: $(grep FAILED "$MACHINE/events" || echo "no partitioning")"
	fi
	note "$firmware: partitioning begins"
done
