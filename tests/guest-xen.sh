#!/bin/bash
# Xen: Debian's, with a dom0 in QEMU, and our packages installed in it by apt. A paravirtual
# appliance with a kernel of its own is deployed, upgraded, reverted and purged, then one that
# runs on dom0's kernel. Emulated and slow, a quarter of an hour:
# `make check-xen`. See guest/xen-site.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
. "$top_srcdir/tests/guest/guest.sh"
need dpkg-buildpackage git
git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1 || skip "not a git checkout"
guest_image xen
"$top_srcdir/tests/lib/build-debs" "$top_builddir/tests/debs"

# variant DIR VERSION PORT GREETING CHECK
variant()
{
	TINY_CONF="s/^Network: .*/Network: nat/; s/^Watch: .*/Watch: 0s/
		s|^ http:80/.*| $5 interval=2s|" tiny_variant "$1" tiny "$2" "$3" "$4" >/dev/null
}

# host_variant DIR: tiny-host on the bridge, and with room for all of dom0's modules
host_variant()
{
	local tree=$T/tiny-host
	dpkg-deb -R "$(tiny_deb tiny-host)" "$tree"
	rm "$tree/DEBIAN/md5sums"
	sed -i 's/^Network: .*/Network: nat/; s/deadline=[0-9]*s/deadline=1200s/' \
		"$tree/var/lib/waybill/appliances/tiny-host/appliance.conf"
	dpkg-deb --root-owner-group -Zgzip -z1 -b "$tree" "$1" >/dev/null
}

mkdir -p disk
cp "$top_srcdir/tests/guest/xen-site" disk/run
cp "$top_srcdir/tests/guest/inside.sh" "$top_builddir"/tests/debs/waybill-site_*.deb disk/
variant disk 1.0 8081 hello "http:80/ deadline=1200s"
variant disk 1.1 8081 newer "http:80/ deadline=1200s"
variant disk 1.2 8081 sick "http:80/gone deadline=240s" # time to boot, so that it says 404
host_variant disk
GUEST_SECONDS=${GUEST_SECONDS:-7200} guest_run "$T/disk" || fail "see the FAIL lines above"
