#!/bin/bash
# Graphics: vnc where systemd runs: the agent in front of a guest's screen is a unit, which sees the
# files of no other guest. See guest/systemd-screen; vnc-graphics.sh has what is the same without systemd.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
. "$top_srcdir/tests/guest/guest.sh"
need dpkg-buildpackage git systemd-nspawn
git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1 || skip "not a git checkout"
guest_image
"$top_srcdir/tests/lib/build-debs" "$top_builddir/tests/debs"

export TINY_CONF='s/^Watch: .*/Watch: 0s/; s/^Graphics: .*/Graphics: vnc/'
mkdir disk
cp "$top_srcdir/tests/guest/inside.sh" disk/
cp "$top_srcdir/tests/guest/systemd-screen" disk/run
cp "$top_builddir"/tests/debs/waybill-{site,agent,proxy}_*.deb "$top_builddir/remote/vnc-probe" disk/
tiny_variant disk tiny 1.0 8081 hello >/dev/null
guest_container "$T/disk" || fail "see the FAIL lines above"
