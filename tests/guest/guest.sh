# shellcheck shell=bash
# Boot a machine of its own and run something in it. Source after lib.sh.

# guest_image: sets GUEST_IMAGE, a directory as build-image makes it. Built once for a
# build directory; made anew when the recipe changes, or after a week.
guest_image()
{
	need_root
	need mmdebstrap qemu-img qemu-system-x86_64 mke2fs genisoimage
	local recipe=$top_srcdir/tests/guest/build-image cache=$top_builddir/tests/guest
	mkdir -p "$cache"
	GUEST_IMAGE=$cache/$(sha256sum <"$recipe" | cut -c1-12)
	(
		flock 9
		find "$cache" -mindepth 1 -maxdepth 1 -name '????????????' -type d \
			\( -mtime +6 -o ! -name "${GUEST_IMAGE##*/}" \) -exec rm -rf {} +
		[ ! -e "$GUEST_IMAGE/disk.qcow2" ] || exit 0
		note "building the guest's disk"
		mkdir -p "$GUEST_IMAGE"
		"$recipe" "$GUEST_IMAGE" 9>&-
	) 9>"$cache/lock"
}

# seconds_left DEFAULT: until just before this test is cut off, so that it can say why.
seconds_left()
{
	[ -z "${WAYBILL_TEST_END:-}" ] && echo "$1" || echo $((WAYBILL_TEST_END - $(date +%s) - 20))
}

# guest_run DIR: boot a throw-away copy of the machine with DIR as its second disk.
# Its DIR/run has the machine for itself. What that prints goes to $T/guest.out (and to
# our own output), the console to $T/guest.console. Returns run's exit status.
guest_run()
{
	local dir=$1 seconds pid
	seconds=$(seconds_left 1800)
	qemu-img create -q -f qcow2 -F qcow2 -b "$GUEST_IMAGE/disk.qcow2" "$T/guest.qcow2"
	genisoimage -quiet -R -V test -o "$T/guest.iso" "$dir"
	: >"$T/guest.out"
	# Without svm: TCG's emulation of it would give the machine a /dev/kvm that works now and then.
	timeout "$seconds" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-machine pc,accel=tcg -cpu qemu64,-cx16,-svm -smp 2 -m 2048 \
		-kernel "$GUEST_IMAGE/vmlinuz" -initrd "$GUEST_IMAGE/initrd.img" \
		-append "root=/dev/vda rw console=ttyS0 quiet net.ifnames=0" \
		-drive "file=$T/guest.qcow2,if=virtio,cache=unsafe" \
		-drive "file=$T/guest.iso,if=virtio,format=raw,readonly=on" \
		-serial "file:$T/guest.console" -serial "file:$T/guest.out" </dev/null &
	pid=$!
	track_pid $pid
	tail -f --pid=$pid -n +1 "$T/guest.out" >&2
	wait $pid || true
	if ! tail -n 1 "$T/guest.out" | grep -q '^exit [0-9]'; then
		tail -n 20 "$T/guest.console" | sed 's/^/| /' >&2
		fail "the guest did not come to an end within $seconds s"
	fi
	return "$(tail -n 1 "$T/guest.out" | tr -dc 0-9)"
}
