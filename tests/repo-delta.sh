#!/bin/bash
# imagerepo add makes deltas from the versions before: in the pool, in Deltas, covered by Release;
# a site's tools can find, verify and apply them. One that saves too little is dropped, gc takes
# them away with their versions, check notices what has changed.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/image.sh"
need gpg gpgv

make_gnupg repo-delta
export WAYBILL_REPO=$T/repo SOURCE_DATE_EPOCH=1700000000
imagerepo init --key "$KEY_FPR" >/dev/null
echo "Deltas: 2" >>repo/conf/repo.conf

dists=repo/public/dists/stable
index=$dists/main/binary-amd64/Deltas
pool=repo/public/pool/main/a/askom

note "the first version, and a package that is no image"
imagerepo add "$(image 1.0)" >/dev/null
imagerepo add "$(make_deb debs hello 1.0)" >/dev/null
imagerepo add "$(make_deb debs hello 2.0)" >out
lacks out delta
[ ! -e $index ] || fail "Deltas without deltas"
lacks $dists/Release Deltas

note "the versions after it"
imagerepo add "$(image 1:1.1)" >out
contains out "delta from 1.0"
two=$(image 1:1.2)
imagerepo add "$two" >/dev/null
equal "$(grep -c '^Package: askom' $index)" 3 "deltas: 1.0 to 1.1, 1.0 to 1.2, 1.1 to 1.2"
imagerepo add "$(image 1:1.3)" >/dev/null
# Deltas: 2
equal "$(awk -v RS= '/New-Version: 1:1.3/' $index | grep -c ^Old-Version)" 2 "deltas to 1.3"
equal "$(find $pool -name "*.delta" | wc -l)" 5 "deltas in the pool"
imagerepo verify >/dev/null

note "into another suite: the same file"
sum=$(sha256sum $pool/*_1.1_1.2_amd64.delta)
touch -d "1 hour ago" $pool/*_1.1_1.2_amd64.delta
before=$(stat -c %y $pool/*_1.1_1.2_amd64.delta)
sed -i "s/^Suites:.*/Suites: stable testing/" repo/conf/repo.conf
imagerepo add --suite testing $pool/askom_1.[12]_amd64.deb >/dev/null
equal "$(sha256sum $pool/*_1.1_1.2_amd64.delta) $(stat -c %y $pool/*_1.1_1.2_amd64.delta)" "$sum $before" "the delta"
contains repo/public/dists/testing/main/binary-amd64/Deltas "New-Version: 1:1.2"
imagerepo verify >/dev/null

note "a client's way: InRelease, Deltas, the delta, the package"
gpgv --keyring "$T/repo-delta.gpg" -o Release $dists/InRelease 2>/dev/null
for file in Deltas Deltas.gz; do
	contains Release " $(sha256sum <$dists/main/binary-amd64/$file | cut -d' ' -f1) "
	[ -e "$dists/main/binary-amd64/by-hash/SHA256/$(sha256sum <$dists/main/binary-amd64/$file |
		cut -d' ' -f1)" ] || fail "$file is not there by its hash"
done
zcat $index.gz | cmp - $index
awk -v RS= '/Old-Version: 1.0\n/ && /New-Version: 1:1.2\n/' $index >stanza
file=repo/public/$(sed -n 's/^Filename: //p' stanza)
equal "$(basename "$file")" askom_1.0_1.2_amd64.delta "the file's name"
equal "$(sha256sum <"$file" | cut -d' ' -f1)" "$(sed -n 's/^SHA256: //p' stanza)" SHA256
equal "$(stat -c %s "$file")" "$(sed -n 's/^Size: //p' stanza)" Size
imagepkg -q patch -o rebuilt.deb "$file" $pool/askom_1.0_amd64.deb >/dev/null
cmp <(dpkg-deb --fsys-tarfile rebuilt.deb) <(dpkg-deb --fsys-tarfile "$two")

note "one that saves too little"
imagerepo add "$(image 1:1.4 11000000)" >out
lacks out delta
lacks $index "New-Version: 1:1.4"
equal "$(ls repo/tmp)" "" "what is left in tmp"

note "without imagepkg"
mkdir bin
# Every program but that one.
old_path=$PATH
PATH=$(printf '%s' "$PATH" | tr : '\n' | grep -v "/imagepkg\$" | paste -sd:)
if ! command -v imagepkg >/dev/null; then
	deb=$(PATH=$old_path image 1:1.5)
	imagerepo add "$deb" >out
	contains out "published in"
	lacks $index "New-Version: 1:1.5"
fi
PATH=$old_path

note "what has changed"
printf X | dd of="$file" bs=1 seek=300 conv=notrunc status=none
run_exit 1 imagerepo verify
cat out err >both
contains both "askom_1.0_1.2_amd64.delta has changed"

note "gc"
imagerepo remove askom=1.0 >/dev/null
lacks $index "Old-Version: 1.0"
[ -e "$file" ] || fail "a delta went before gc"
imagerepo gc --dry-run >out
contains out "${file#repo/public/}"
[ -e "$file" ] || fail "gc --dry-run deletes"
imagerepo gc >out
contains out "${file#repo/public/}"
[ ! -e "$file" ] || fail "a delta of a version that is gone"
imagerepo verify >/dev/null
equal "$(imagerepo gc | tail -1)" "deleted 0 files, 0 B" "a second gc"
