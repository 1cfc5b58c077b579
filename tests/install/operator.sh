# shellcheck shell=bash
# An operator whom a machine in QEMU can reach: signed repository, gate behind a real sshd, our
# packages for Debian 13, the appliance tiny. Sourced after lib.sh, tiny.sh and mirror.sh.
#
#     operator_init               # with the site kbh1; the mirror is started too
#     operator_publish            # our packages, and tiny, which kbh1 must have
#     operator_stick STICK [siteusb build's options]      # kbh1.conf: see operator_conf
#     site_is enrolled|synced|running
#
# The machine sees this one as 10.0.2.2 (QEMU's user network).

operator_init()
{
	need_root
	need siteusb ssh rsync curl jq
	MIRROR_PORT=$(free_port)
	export WAYBILL_REPO=$T/repo
	make_gnupg operator
	start_enrolling_sshd
	imagerepo init --key "$KEY_FPR" --list-key "$KEY_FPR" \
		--url "http://10.0.2.2:$MIRROR_PORT/waybill" \
		--server "root@10.0.2.2:$SSHD_PORT" --host-key "$SSHD_DIR/host_key.pub" >&2
	imagerepo site add kbh1 >&2
	mirror_start
}

operator_publish()
{
	git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1 || skip "not a git checkout"
	"$top_srcdir/tests/lib/build-debs" "$top_builddir/tests/debs-trixie" trixie
	imagerepo add "$top_builddir"/tests/debs-trixie/waybill-{site,hostconfig}_*.deb \
		"$(operator_tiny)" >&2
	# A kernel's security update takes ten minutes here; host-upgrades.sh is about these.
	echo "Host-Upgrades: none" >"$WAYBILL_REPO/private/sites/kbh1/policy"
	imagerepo site assign kbh1 tiny >&2
}

operator_tiny()
{
	TINY_CONF=$NESTED_PATIENCE tiny_variant "$T/tiny" tiny 1.0 8081 hello
}

# The operator's file for the site. The cloud kernel and the drivers of this machine alone:
# with all of them update-initramfs would take six minutes under emulation.
operator_conf()
{
	cat <<-CONF
		Mirror: http://10.0.2.2:$MIRROR_PORT/debian
		Security-Mirror: http://10.0.2.2:$MIRROR_PORT/debian-security
		Proxy: none
		Kernel: linux-image-cloud-amd64
		Drivers: dep
		Kernel-Args: console=ttyS0,115200 $MACHINE_KERNEL_ARGS
	CONF
}

operator_stick()
{
	local stick=$1
	shift
	[ -e kbh1.conf ] || operator_conf >kbh1.conf
	[ -d extra ] || operator_extra
	imagerepo site bundle kbh1 --enroll -o kbh1.tar >&2
	siteusb build --site kbh1 --bundle kbh1.tar --config kbh1.conf --extra extra \
		--cache "$top_builddir/tests/install/siteusb" \
		--kernel-args "console=ttyS0,115200n8 $MACHINE_KERNEL_ARGS DEBIAN_FRONTEND=text DEBCONF_DEBUG=5" \
		-o "$stick" "$@" >&2
}

# What the stick carries for the test alone.
operator_extra()
{
	local cache=$top_builddir/tests/install/udebs
	mkdir -p "$cache"
	(
		flock 9
		"$top_srcdir/tests/install/missing-udebs" "$(archive_uri Debian)" "$cache"
		cp -a "$cache/overlay" extra
	) 9>"$cache/lock" >&2
	install -D -m 755 "$top_srcdir/tests/install/syslog-to-serial" \
		extra/usr/lib/debian-installer-startup.d/S11syslog-to-serial
}

# What the operator sees of it.
site_is()
{
	local shown
	shown=$(imagerepo site show kbh1 --json) || return
	case $1 in
	enrolled) [ -s "$WAYBILL_REPO/private/sites/kbh1/key.pub" ] ;;
	synced) jq -e '.report.result == "done"' <<<"$shown" ;;
	running) jq -e '.report.instances[] | select(.health == "healthy")' <<<"$shown" ;;
	esac >/dev/null 2>&1
}
