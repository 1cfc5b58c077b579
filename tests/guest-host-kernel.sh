#!/bin/bash
# Boot: host-kernel on a machine of its own: a Debian with systemd and AppArmor, booted in QEMU,
# whose own kernel and modules the appliance gets. See guest/host-kernel-site.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
. "$top_srcdir/tests/guest/guest.sh"
need dpkg-buildpackage git
git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1 || skip "not a git checkout"
guest_image
"$top_srcdir/tests/lib/build-debs" "$top_builddir/tests/debs"

mkdir -p disk tree
cp "$top_srcdir"/tests/guest/inside.sh disk/
cp "$top_srcdir"/tests/guest/host-kernel-site disk/run
cp "$top_builddir"/tests/debs/waybill-site_*.deb disk/
dpkg-deb -R "$(tiny_deb tiny-host)" tree
sed -i "$NESTED_PATIENCE" tree/var/lib/waybill/appliances/tiny-host/appliance.conf
rm tree/DEBIAN/md5sums
dpkg-deb --root-owner-group -Zgzip -z1 -b tree disk/tiny-host_1.0_amd64.deb >/dev/null
guest_run "$T/disk" || fail "see the FAIL lines above"
