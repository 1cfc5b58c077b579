#!/bin/bash
# A Debian machine with systemd, AppArmor and our packages, booted in QEMU: `apt-get install
# ./tiny.deb` starts a VM in it, remove stops it, purge leaves nothing. The VM in the VM is
# emulated twice over and slow: this takes several minutes. See guest/systemd-site.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
. "$top_srcdir/tests/guest/guest.sh"
need dpkg-buildpackage git
git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1 || skip "not a git checkout"
guest_image
"$top_srcdir/tests/lib/build-debs" "$top_builddir/tests/debs"

mkdir disk
cp "$top_srcdir/tests/guest/systemd-site" disk/run
cp "$top_builddir"/tests/debs/waybill-site_*.deb "$(tiny_deb)" disk/
guest_run "${GUEST_SECONDS:-720}" "$T/disk" || fail "see the FAIL lines above"
