#!/bin/bash
# Which disk the installer erases: the script that runs in it, in the shell that it has, on
# machines of a few files.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need dash busybox

# disk NAME GIB [removable|usb|ro]: in the machine $M
disk()
{
	local at=devices/pci0/ata1/$1
	[ "${3:-}" != usb ] || at=devices/pci0/usb2/2-1/$1
	mkdir -p "$M/$at" "$M/block"
	ln -s "../$at" "$M/block/$1"
	echo $(($2 * 2097152)) >"$M/$at/size"
	[ "${3:-}" = removable ] && echo 1 >"$M/$at/removable" || echo 0 >"$M/$at/removable"
	[ "${3:-}" = ro ] && echo 1 >"$M/$at/ro" || echo 0 >"$M/$at/ro"
}

machine()
{
	M=$T/machine
	rm -rf "$M"
	mkdir -p "$M/block"
}

# choose DISK [RAID]: what the installer is told, one "NAME VALUE" a line, or "stop MESSAGE"
choose()
{
	cat >"$T/run" <<-'RUN'
		answer()
		{
			case $1 in
			waybill/disk) echo "$wanted" ;;
			waybill/raid) echo "$raid" ;;
			waybill/disk-minimum) echo 8589934592 ;;
			esac
		}
		set_answer() { echo "$1 $2"; }
		say() { :; }
		stop()
		{
			echo "stop $1"
			exit
		}
		. "$script"
	RUN
	env -i sys="$M" wanted="$1" raid="${2:-none}" script="$top_srcdir/preseed/installer/disk" \
		PATH="$PATH" "${SHELL_OF[@]}" -e "$T/run" >"$T/told" || fail "the script failed"
}

is_on()
{
	contains "$T/told" "partman-auto/disk $1"
	contains "$T/told" "grub-installer/bootdev $1"
	lacks "$T/told" stop
}

stops()
{
	contains "$T/told" "stop "
	contains "$T/told" "$1"
	lacks "$T/told" partman-auto/disk
}

check_all()
{
	machine
	disk sda 60
	disk sdb 16 removable
	disk sdc 1000 usb
	disk sr0 1
	choose only
	is_on /dev/sda
	contains "$T/told" "method{ biosgrub }"
	mkdir -p "$M/firmware/efi"
	choose only
	contains "$T/told" "method{ efi }"
	lacks "$T/told" biosgrub
	choose /dev/sdc
	is_on /dev/sdc
	choose /dev/sdz
	stops "/dev/sdz is not in this machine, or can be taken out. It has: /dev/sda (60 GiB)."
	choose /dev/sdb
	stops "/dev/sdb is not in this machine, or can be taken out. It has: /dev/sda (60 GiB)."
	choose only 1
	stops "exactly 2 disk(s), but this machine has 1"

	disk nvme0n1 20
	choose only
	stops "exactly 1 disk(s), but this machine has 2: /dev/nvme0n1 (20 GiB) /dev/sda (60 GiB)"
	choose smallest
	is_on /dev/nvme0n1
	choose largest
	is_on /dev/sda
	choose only 1
	is_on "/dev/nvme0n1 /dev/sda"
	contains "$T/told" "partman-auto/method raid"
	contains "$T/told" "1 2 0 ext4 / /dev/nvme0n1p2#/dev/sda2 ."
	choose "/dev/sda /dev/nvme0n1" 1
	contains "$T/told" "/dev/sda2#/dev/nvme0n1p2 ."
	disk sdd 4
	choose smallest
	is_on /dev/nvme0n1
	choose /dev/sdd
	stops "/dev/sdd has 4 GiB, but the site needs 8 GiB (Disk-Minimum)"
	machine
	disk sdd 4
	choose smallest
	stops "/dev/sdd has 4 GiB"

	machine
	disk sdb 16 removable
	disk sda 60 ro
	choose largest
	stops "no disk to install on"
}

for shell in dash "busybox sh"; do
	note "$shell"
	read -ra SHELL_OF <<<"$shell"
	check_all
done
