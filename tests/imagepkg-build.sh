#!/bin/bash
# `imagepkg build` of the tiny recipe: twice the same bytes, small, and a disk that
# e2fsck, qemu-img, lintian and `imagepkg verify` are content with.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need mmdebstrap qemu-img e2fsck lintian dpkg-deb cpio

export SOURCE_DATE_EPOCH=1700000000 TMPDIR=$T/tmp
mkdir one two tmp
recipe=$top_srcdir/imagepkg/recipes/tiny

imagepkg build "$recipe" -o one >out
deb=one/tiny_1.0_amd64.deb
equal "$(cat out)" "$deb" "what build prints"
[ -z "$(ls -A tmp)" ] || fail "left behind: $(ls -A tmp)"
[ "$(stat -c %s "$deb")" -le 10000000 ] || fail "tiny has $(stat -c %s "$deb") bytes"

note "the package"
imagepkg verify "$deb"
lintian --fail-on error,warning "$deb" 2>&1 | { grep -v '^running with root' || true; }
imagepkg inspect "$deb" >out
contains out "Kernel-Args: root=/dev/vda rw"
contains out " GREETING=hello"
dpkg-deb -x "$deb" x
files=x/var/lib/waybill/appliances/tiny

note "its disk"
qemu-img check -q "$files/disk.qcow2"
qemu-img convert -O raw "$files/disk.qcow2" disk.raw
e2fsck -fn disk.raw >/dev/null
equal "$(debugfs -R 'cat /etc/version' disk.raw 2>/dev/null)" 1.0 "the version on the disk"
! grep -qa waybill-recipe-script disk.raw || fail "the recipe's script is on the disk"
# Nothing of the Debian system around it, nor a compressed initrd.
debugfs -R 'ls -p /' disk.raw 2>/dev/null | cut -d/ -f6 >names
lacks names boot
cpio -t --quiet <"$files/initrd.img" >names
contains names modules/virtio_blk.ko

note "again: the same bytes"
imagepkg build "$recipe" -o two >/dev/null
cmp "$deb" two/tiny_1.0_amd64.deb

note "a recipe that fails: its reason, and nothing left behind"
mkdir bad
sed 's/^Packages:.*/Packages: there-is-no-such-package/' "$recipe/recipe" >bad/recipe
cp "$recipe"/[!r]* bad/
rm -rf tmp/* # lintian does leave something now and then
run_exit 1 imagepkg build bad -o two
contains err there-is-no-such-package
[ -z "$(ls -A tmp)" ] || fail "left behind: $(ls -A tmp)"
