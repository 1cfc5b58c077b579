# shellcheck shell=bash
# A bare machine in QEMU, emulated, headless: a stick is put in, it installs itself, it boots.
# Sourced after lib.sh. $MACHINE (default $T/machine) has its disks, what its serial ports
# said, and `events` (see watch).
#
#     machine_new bios|uefi network|none [DISK-SIZE...]   # network: of QEMU, or $MACHINE_NETDEV
#     machine_stick STICK             # switched on with the stick in it; in the background
#     machine_watch [UNTIL]           # until the installer has switched it off, or until this
#                                     # event; false if the installation failed
#     machine_card                    # a network card is put in, if it had none
#     machine_boot                    # without the stick; in the background
#     machine_line on|off             # its network cable
#     machine_off

MACHINE=${MACHINE:-$T/machine}
MACHINE_PID=
# Ports of 127.0.0.1 that lead into the machine: "HOST:GUEST ..."
MACHINE_PORTS=
# Where its network card leads, as -netdev says it, with id=net; empty: QEMU's user network
MACHINE_NETDEV=

# For Debian 13's kernel in it. It must not use cx16, which QEMU 7.2 emulates so that it panics now and
# then. QEMU translates a program anew at each address that it is loaded at: without norandmaps
# the machine is three times as slow.
# shellcheck disable=SC2034 # for operator.sh
MACHINE_KERNEL_ARGS="clearcpuid=cx16 norandmaps"

machine_new()
{
	local firmware=$1 size number=0
	_network=$2
	shift 2
	need_root
	need qemu-system-x86_64 qemu-img socat
	mkdir -p "$MACHINE"
	# Without svm: KVM inside, on an emulated SVM, starts a guest that then hangs. QEMU inside, as
	# Debian 13 has it, needs cx16. One processor: with two, QEMU's own work is half as much again.
	# shellcheck disable=SC2054 # commas are QEMU's
	_hardware=(-nodefaults -no-user-config -display none -no-reboot
		-M q35 -accel tcg,tb-size=512 -cpu qemu64,-svm -m 2048
		-monitor "unix:$MACHINE/monitor,server=on,wait=off"
		-smbios "type=1,manufacturer=Waybill,product=Test,serial=WB-TEST-1"
		-device virtio-rng-pci)
	for size in "${@:-16G}"; do
		number=$((number + 1))
		qemu-img create -q -f qcow2 "$MACHINE/disk$number.qcow2" "$size"
		_hardware+=(-drive "if=none,id=disk$number,file=$MACHINE/disk$number.qcow2,cache=unsafe"
			-device "virtio-blk-pci,drive=disk$number,bootindex=$((number + 1))")
	done
	if [ "$firmware" = uefi ]; then
		cp /usr/share/OVMF/OVMF_VARS_4M.fd "$MACHINE/nvram"
		_hardware+=(
			-drive "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"
			-drive "if=pflash,format=raw,file=$MACHINE/nvram")
	fi
}

# _nic: the arguments for a network card, if the machine has one
_nic()
{
	local port forwards=
	if [ "$_network" = none ]; then
		echo -nic none
		return
	fi
	for port in $MACHINE_PORTS; do
		forwards+=",hostfwd=tcp:127.0.0.1:${port%:*}-:${port#*:}"
	done
	echo "-netdev ${MACHINE_NETDEV:-user,id=net,ipv6=off$forwards}"
	echo "-device virtio-net-pci,netdev=net,romfile=,mac=52:54:00:12:34:56"
}

# _start NAME ARGUMENT...: $MACHINE/NAME.console and .syslog are the two serial ports.
_start()
{
	local name=$1
	shift
	# shellcheck disable=SC2046 # words
	qemu-system-x86_64 "${_hardware[@]}" $(_nic) \
		-serial "file:$MACHINE/$name.console" -serial "file:$MACHINE/$name.syslog" \
		"$@" </dev/null 2>"$MACHINE/$name.stderr" &
	MACHINE_PID=$!
	track_pid $MACHINE_PID
}

machine_stick()
{
	_start install -device qemu-xhci \
		-drive "if=none,id=stick,file=$1,format=raw,snapshot=on" \
		-device usb-storage,drive=stick,removable=on,bootindex=1
}

machine_watch()
{
	"$top_srcdir/tests/install/watch" "$MACHINE/install.console" \
		"$MACHINE/install.syslog" "$MACHINE_PID" "$MACHINE/events" "${1:-}"
}

machine_card()
{
	_network=network
}

machine_boot()
{
	_start boot
}

machine_line()
{
	echo "set_link net $1" | socat - "UNIX-CONNECT:$MACHINE/monitor" >/dev/null
}

machine_off()
{
	stop_pid "$MACHINE_PID"
}
