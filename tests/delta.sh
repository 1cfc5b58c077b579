#!/bin/bash
# Deltas between image packages: what is made is small, what is rebuilt is the published package,
# by `imagepkg patch` and by hand with zstd and rdiff; a wrong or altered base, a damaged delta
# and a full disk are errors that say so and leave nothing behind.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/image.sh"
need jq cpio zstd rdiff ar
export SOURCE_DATE_EPOCH=1700000000 TMPDIR=$T/tmp
mkdir tmp

# edit FILE STEP: another byte at each STEP
edit()
{
	perl -e 'open my $f, "+<", $ARGV[0] or die; binmode $f; my $size = -s $f;
		for (my $at = 100; $at < $size; $at += $ARGV[1]) { seek $f, $at, 0; print $f "#" }' "$@"
}

tree()
{
	mkdir -p "$1"/usr/lib/modules/6.1.0-"$2" "$1"/etc "$1"/var
	noise lib 3000000 >"$1/usr/lib/liba.so.1.$2"
	noise mod 400000 >"$1/usr/lib/modules/6.1.0-$2/net.ko"
	noise same 2000000 >"$1/usr/lib/same"
	seq 20000 >"$1/etc/lines"
}

# wrapped DIR NAME VERSION OPTION...: an ext4 file system of DIR as a package
wrapped()
{
	local dir=$1 name=$2 version=$3
	shift 3
	file_system "$dir" 32
	imagepkg wrap --disk disk.raw --name "$name" --version "$version" "$@"
}

initrd()
{
	(cd "$1" && find usr/lib/modules etc | sort | cpio --quiet -o -H newc) >"$2"
}

tree one 1
tree two 2
edit two/usr/lib/liba.so.1.2 50000
edit two/usr/lib/modules/6.1.0-2/net.ko 4000
sed -i 's/^777$/seven/' two/etc/lines
noise new 30000 >two/var/new
printf 'Memory: 64M\nBoot: kernel\n' >config
noise kernel 100000 >vmlinuz
initrd one initrd.one
initrd two initrd.two
old=$(wrapped one askom 1.0 --config config --kernel vmlinuz --initrd initrd.one)
new=$(wrapped two askom 1:1.1 --config config --kernel vmlinuz --initrd initrd.two)

note "make: small, and the same again"
run_exit 0 imagepkg delta "$old" "$new"
equal "$(cat out)" askom_1.0_1.1_amd64.delta "the path of a delta"
delta=askom_1.0_1.1_amd64.delta
imagepkg delta --json -o again.delta "$old" "$new" >out
cmp $delta again.delta
equal "$(jq -r .size_bytes out)" "$(stat -c %s $delta)" size_bytes
equal "$(jq -r .full_bytes out)" "$(stat -c %s "$new")" full_bytes
# 30,000 bytes are new; some 160 edits, each of them once.
[ "$(stat -c %s $delta)" -lt 50000 ] || fail "the delta has $(stat -c %s $delta) bytes"
equal "$(ls tmp)" "" "what is left in TMPDIR"

imagepkg inspect $delta >out
contains out "Old-Version: 1.0"
contains out "New-Version: 1:1.1"
contains out "initrd.img, "
equal "$(imagepkg inspect --json $delta | jq -c '[.size_bytes, .basis[0].name, .package]')" \
	"[$(stat -c %s $delta),\"disk.qcow2\",\"askom\"]" "what inspect says"
run_exit 1 imagepkg inspect none.delta
contains err "there is no file"

# same_package A B: control member and uncompressed data.tar
same_package()
{
	cmp <(dpkg-deb --fsys-tarfile "$1") <(dpkg-deb --fsys-tarfile "$2") || fail "data.tar of $2"
	cmp <(ar p "$1" control.tar.zst) <(ar p "$2" control.tar.zst) || fail "control of $2"
}

note "apply: from the package, its directory, its disk"
dpkg-deb -x "$old" x
files=x/var/lib/waybill/appliances/askom
for from in "$old" $files $files/disk.qcow2; do
	rm -f rebuilt.deb
	equal "$(imagepkg patch -o rebuilt.deb $delta "$from")" rebuilt.deb "what patch prints"
	same_package "$new" rebuilt.deb
done
imagepkg verify rebuilt.deb >/dev/null
dpkg-deb -c rebuilt.deb >/dev/null
mkdir default
(cd default && imagepkg patch "../$delta" "../$files" >/dev/null)
same_package "$new" default/askom_1.1_amd64.deb

note "in parts, and with a data.tar that no ar member would hold"
"$top_builddir/imagepkg/delta-limits" 4194304 1000000 "$old" "$new" parts.delta $files parts.deb
ar p parts.delta meta.zst | zstd -qdc >parts.meta
[ "$(grep -c "^Method: rdiff" parts.meta)" -gt 2 ] || fail "parts: $(cat parts.meta)"
equal "$(ar t parts.deb | tail -1)" data.tar.zst "the last member"
same_package "$new" parts.deb
imagepkg patch -o parts.deb parts.delta $files >/dev/null
equal "$(ar t parts.deb | tail -1)" data.tar "the last member, within the limit"
same_package "$new" parts.deb

note "by hand, as docs/spec/delta.md says"
mkdir hand
cp $files/* $delta hand/
{
	echo 'set -eu'
	sed -n '/^## By hand/,/^## How/s/^    //p' "$top_srcdir/docs/spec/delta.md" |
		sed "s/askom_1.3.0_1.4.0_amd64.delta/$delta/"
} >hand/script
(cd hand && bash script) || fail "the page's lines"
dpkg-deb --fsys-tarfile "$new" | cmp - hand/data.tar
dpkg-deb -x "$new" y
cmp y/var/lib/waybill/appliances/askom/disk.qcow2 hand/disk.new
cmp hand/control.tar.zst <(ar p "$new" control.tar.zst)

# refuses TEXT DELTA OLD: an error with TEXT, and nothing is left
refuses()
{
	rm -rf refused
	mkdir refused
	run_exit 1 imagepkg patch -o refused/x.deb "$2" "$3"
	contains err "$1"
	equal "$(ls -A refused tmp)" "$(printf 'refused:\n\ntmp:')" "what a refusal leaves"
}

note "wrong and altered bases"
dpkg-deb -x "$new" z
refuses "is not askom 1.0" $delta "$new"
refuses "not that of askom 1.0" $delta z/var/lib/waybill/appliances/askom
cp -r $files altered
edit altered/disk.qcow2 3000000
refuses "was altered" $delta altered
rm altered/disk.qcow2
refuses "there is no file" $delta altered
refuses "no ar archive" initrd.one "$old"
refuses "it is no delta" vmlinuz "$old"
refuses "no member meta.zst" "$old" "$old"

note "truncated and altered deltas"
size=$(stat -c %s $delta)
for at in 0 7 8 60 68 200 $((size / 3)) $((size / 2)) $((size - 100)) $((size - 1)); do
	head -c "$at" $delta >bad.delta
	refuses "" bad.delta $files
done
{ cat $delta; echo; } >bad.delta
refuses "rubbish" bad.delta $files
for at in $(seq 1 $((size / 60)) $((size - 1))); do
	cp $delta bad.delta
	perl -e 'open my $f, "+<", "bad.delta" or die; seek $f, $ARGV[0], 0; read $f, my $c, 1;
		seek $f, $ARGV[0], 0; print $f chr(ord($c) ^ 0x41)' "$at"
	# A byte that no reader looks at: times and owners of the ar members.
	if imagepkg patch -o maybe.deb bad.delta $files >/dev/null 2>&1; then
		same_package "$new" maybe.deb
		rm maybe.deb
	else
		refuses "" bad.delta $files
	fi
done

note "what cannot be"
run_exit 2 imagepkg delta "$old"
run_exit 2 imagepkg delta "$old" "$old"
contains err "same version"
other=$(wrapped one other 1.0)
run_exit 2 imagepkg delta "$old" "$other"
contains err "not versions of one package"
# What repeats itself from farther away than a pair sees: the package is half as large.
noise disk1 1048576 >noise1.raw
{ noise disk2 10485760; head -c 512 /dev/zero; noise disk2 10485760; } >noise2.raw
one=$(imagepkg wrap --disk noise1.raw --name noise --version 1)
two=$(imagepkg wrap --disk noise2.raw --name noise --version 2)
mkdir none
run_exit 1 imagepkg delta -o none/x.delta "$one" "$two"
contains err "there is no use for it"
equal "$(ls -A none)" "" "a delta that is no use"

note "disks of other kinds"
# Another file system, altered in place; a partition with ext4 and files that have moved.
{ noise a 1048576; noise b 1048576; noise c 1048576; } >other1.raw
{ noise a 1048576; noise x 4096; noise b 1048576; noise c 917504; } >other2.raw
rm -f disk.raw
mke2fs -q -t ext4 -d one disk.raw 32M >/dev/null
for version in 1 2; do
	[ $version = 1 ] || mke2fs -q -F -t ext4 -d two disk.raw 32M
	truncate -s 34M "parted$version.raw"
	dd if=disk.raw of="parted$version.raw" bs=1M seek=1 conv=notrunc status=none
	# One entry: type 83, from sector 2048, 65536 sectors.
	printf '\0\0\0\0\203\0\0\0\0\010\0\0\0\0\001\0' |
		dd of="parted$version.raw" bs=1 seek=446 conv=notrunc status=none
	printf '\125\252' | dd of="parted$version.raw" bs=1 seek=510 conv=notrunc status=none
done
for kind in other parted; do
	for version in 1 2; do
		imagepkg wrap --disk $kind$version.raw --name $kind --version $version >/dev/null
	done
	imagepkg delta -o $kind.delta ${kind}_1_amd64.deb ${kind}_2_amd64.deb
	[ "$(stat -c %s $kind.delta)" -lt 80000 ] ||
		fail "the delta of $kind has $(stat -c %s $kind.delta) bytes"
	imagepkg patch -o rebuilt.deb $kind.delta ${kind}_1_amd64.deb
	same_package ${kind}_2_amd64.deb rebuilt.deb
done

note "40 GB, nearly all of it empty"
for version in 1 2; do
	rm -f disk.raw
	mke2fs -q -t ext4 -d "$([ $version = 1 ] && echo one || echo two)" disk.raw 40G >/dev/null
	imagepkg wrap --disk disk.raw --name large --version $version >/dev/null
done
/usr/bin/time -o make.kib -f %M imagepkg delta large_1_amd64.deb large_2_amd64.deb >/dev/null
/usr/bin/time -o apply.kib -f %M imagepkg patch -o rebuilt.deb large_1_2_amd64.delta large_1_amd64.deb
same_package large_2_amd64.deb rebuilt.deb
# With sanitizers, memory is no measure.
grep -q fsanitize "$top_builddir/config.log" || small=yes
[ -z "${small:-}" ] || [ "$(cat make.kib)" -le $((256 * 1024)) ] || fail "making it took $(cat make.kib) KiB"
[ -z "${small:-}" ] || [ "$(cat apply.kib)" -le $((64 * 1024)) ] || fail "applying it took $(cat apply.kib) KiB"

note "no room"
if [ "$(id -u)" = 0 ]; then
	mkdir small
	mount -t tmpfs -o size=2M tmpfs small
	at_exit "umount $T/small"
	run_exit 1 imagepkg patch -o small/x.deb $delta $files
	contains err "No space left"
	equal "$(ls -A small)" "" "what a full disk keeps"
	TMPDIR=$T/small run_exit 1 imagepkg delta -o full.delta "$old" "$new"
	contains err "No space left"
	[ ! -e full.delta ] || fail "a delta in spite of a full disk"
fi
