#!/bin/bash
# A Debian machine with systemd and our packages, booted in a container: `apt-get install
# ./tiny.deb` starts a VM in it, remove stops it, purge leaves nothing. See guest/systemd-site;
# what needs a kernel of its own is in guest-host-kernel.sh.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
. "$top_srcdir/tests/guest/guest.sh"
need dpkg-buildpackage git systemd-nspawn
git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1 || skip "not a git checkout"
guest_image
"$top_srcdir/tests/lib/build-debs" "$top_builddir/tests/debs"

# A newer waybill-site, which differs in nothing else.
newer_site()
{
	local tree=$T/site
	dpkg-deb -R "$top_builddir"/tests/debs/waybill-site_*.deb "$tree"
	sed -i 's/^Version: .*/&+newer/' "$tree/DEBIAN/control"
	dpkg-deb --root-owner-group -Zgzip -b "$tree" "$1" >/dev/null
}

export TINY_CONF='s/^Watch: .*/Watch: 20s/'
mkdir -p disk/newer
cp "$top_srcdir/tests/guest/inside.sh" disk/
cp "$top_srcdir/tests/guest/systemd-site" disk/run
cp "$top_builddir"/tests/debs/waybill-site_*.deb disk/
tiny_variant disk tiny 1.0 8081 hello >/dev/null
tiny_variant disk/newer tiny 1.1 8081 newer >/dev/null
newer_site disk/newer
guest_container "$T/disk" || fail "see the FAIL lines above"
