# shellcheck shell=bash
# Boot a machine of its own and run something in it. Source after lib.sh.

# guest_image [xen]: sets GUEST_KIND and GUEST_IMAGE, a directory as build-image makes it. Built
# once for a build directory; made anew when the recipe changes, or after a week.
guest_image()
{
	need_root
	need mmdebstrap qemu-img qemu-system-x86_64 mke2fs genisoimage
	local recipe=$top_srcdir/tests/guest/build-image cache=$top_builddir/tests/guest
	local end=${1:+-$1}
	GUEST_KIND=${1:-kvm}
	mkdir -p "$cache"
	GUEST_IMAGE=$cache/$(sha256sum <"$recipe" | cut -c1-12)$end
	(
		flock 9
		find "$cache" -mindepth 1 -maxdepth 1 -name "????????????$end" -type d \
			\( -mtime +6 -o ! -name "${GUEST_IMAGE##*/}" \) -exec rm -rf {} +
		[ ! -e "$GUEST_IMAGE/disk.raw" ] || exit 0
		note "building the guest's disk"
		mkdir -p "$GUEST_IMAGE"
		"$recipe" "$GUEST_IMAGE" "$GUEST_KIND" 9>&-
	) 9>"$cache/lock"
}

# seconds_left DEFAULT: until just before this test is cut off, so that it can say why.
seconds_left()
{
	[ -z "${WAYBILL_TEST_END:-}" ] && echo "$1" || echo $((WAYBILL_TEST_END - $(date +%s) - 20))
}

# _guest_machine: sets `machine`, QEMU's options for processor, memory and kernel.
_guest_machine()
{
	# QEMU translates a program anew at each address that it is loaded at: without norandmaps the
	# machine is three times as slow. So it is with two processors instead of one, by half.
	local args="root=/dev/vda rw quiet net.ifnames=0 norandmaps"
	local xen="dom0_mem=768M,max:768M dom0_max_vcpus=1 console=com1 com1=115200,8n1"
	xen+=" xpti=0 pv-l1tf=0 spec-ctrl=no spec-ctrl=eager-fpu"
	case $GUEST_KIND in
	# Without svm: TCG's emulation of it would give the machine a /dev/kvm that works now and then.
	kvm)
		machine=(-machine "pc,accel=tcg" -cpu "qemu64,-cx16,-svm" -m 2048
			-kernel "$GUEST_IMAGE/vmlinuz" -initrd "$GUEST_IMAGE/initrd.img"
			-append "$args console=ttyS0")
		;;
	# QEMU loads Xen, and Xen the Linux that comes as its first module. With more CPU than
	# Nehalem's dom0 crashes under TCG; the mitigations cost and guard nothing here.
	xen)
		machine=(-machine q35 -accel "tcg,tb-size=256" -cpu Nehalem -m 1536
			-kernel "$GUEST_IMAGE/xen.elf" -append "$xen"
			-initrd "$GUEST_IMAGE/vmlinuz $args console=hvc0,$GUEST_IMAGE/initrd.img")
		;;
	esac
}

# _ended PID CONSOLE: wait for a machine to switch itself off, and show meanwhile what its DIR/run says
# in $T/guest.out. Returns run's exit status.
_ended()
{
	local pid=$1 console=$2 status
	track_pid "$pid"
	tail -f --pid="$pid" -n +1 "$T/guest.out" >&2
	wait "$pid" || true
	status=$(sed -n 's/^exit \([0-9]*\)\r*$/\1/p' "$T/guest.out")
	if [ -z "$status" ]; then
		tail -n 20 "$console" | sed 's/^/| /' >&2
		fail "the guest did not come to an end in time"
	fi
	return "$status"
}

# guest_run DIR: boot a throw-away copy of the machine with DIR as its second disk, for at most
# GUEST_SECONDS. Its DIR/run has the machine for itself. What that prints goes to $T/guest.out (and to
# our own output), the console to $T/guest.console. Returns run's exit status.
guest_run()
{
	local dir=$1 machine
	_guest_machine
	qemu-img create -q -f qcow2 -F raw -b "$GUEST_IMAGE/disk.raw" "$T/guest.qcow2"
	genisoimage -quiet -R -V test -o "$T/guest.iso" "$dir"
	: >"$T/guest.out"
	timeout "$(seconds_left "${GUEST_SECONDS:-1800}")" \
		qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		"${machine[@]}" \
		-drive "file=$T/guest.qcow2,if=virtio,cache=unsafe" \
		-drive "file=$T/guest.iso,if=virtio,format=raw,readonly=on" \
		-serial "file:$T/guest.console" -serial "file:$T/guest.out" </dev/null &
	_ended $! "$T/guest.console"
}

# guest_container DIR: as guest_run, but in a container, on this machine's kernel and at its speed. Its
# mounts are in a mount namespace and go with it. It may not write to control groups.
guest_container()
{
	local dir=$1
	mkdir -p "$T/guest"/{base,upper,work,root}
	: >"$T/guest.out"
	# shellcheck disable=SC2016 # for the shell in the namespace
	timeout --kill-after=30 "$(seconds_left 900)" unshare --mount sh -ec '
		cd "$1"
		mount -o loop,ro,noload "$2" base
		mount -t overlay guest -o lowerdir=base,upperdir=upper,workdir=work root
		echo "cgroup_controllers = []" >>root/etc/libvirt/qemu.conf
		exec systemd-nspawn --quiet --boot --directory=root --machine="$4" \
			--settings=no --register=no --keep-unit --private-network \
			--resolv-conf=off --timezone=off --link-journal=no --console=read-only \
			--bind-ro="$3:/mnt" --bind="$1.out:/dev/ttyS1"
		' - "$T/guest" "$GUEST_IMAGE/disk.raw" "$dir" "waybill-test-$$" \
		>"$T/guest.console" 2>&1 </dev/null &
	_ended $! "$T/guest.console"
	rm -rf "/run/systemd/nspawn/propagate/waybill-test-$$"
}
