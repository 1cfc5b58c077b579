#!/bin/bash
# imagerepo add --tested, and Require-Tested: an image package comes in only with a verdict
# that is about its very bytes, and good; a refusal publishes nothing.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need gpg mke2fs qemu-img

make_gnupg repo-tested
export WAYBILL_REPO=$T/repo
imagerepo init --key "$KEY_FPR" >/dev/null

truncate -s 8M disk.raw
mke2fs -q -t ext4 disk.raw
deb=$(imagepkg --quiet wrap --disk disk.raw --name askom --version 1.4.0)
other=$(imagepkg --quiet wrap --disk disk.raw --name askom --version 1.5.0)
plain=$(make_deb debs hello 1.0)
# verdict DEB RESULT: as imagepkg boot-test writes it
verdict()
{
	cat >"${1%.deb}.tested" <<-VERDICT
		Format: waybill-boot-test 1
		Package: askom
		Version: $(dpkg-deb -f "$1" Version)
		Architecture: amd64
		SHA256: $(sha256sum <"$1" | cut -d' ' -f1)
		Date: 2026-11-21T04:10:12Z
		Result: $2
		Qemu: 7.2.22
		Accelerator: tcg
		Boot: kernel
		Watch: 10s
	VERDICT
}
published() { imagerepo list | grep -c '^askom' || true; }
# refused TEXT ARGUMENT...: add is refused for that reason and publishes nothing
refused()
{
	local text=$1
	shift
	run_exit 3 imagerepo add "$@"
	contains err "$text"
	equal "$(published)" 0 "askom published after a refusal"
}

note "no verdict, a failed one, one of other bytes, garbage"
refused "it was not tested: there is no" --tested "$deb"
contains err "run 'imagepkg boot-test"
verdict "$deb" failed
echo "Reason: http:80/: connection refused" >>"${deb%.deb}.tested"
refused "failed its boot test at 2026-11-21T04:10:12Z: http:80/: connection refused" --tested "$deb"
verdict "$other" passed
mv "${other%.deb}.tested" "${deb%.deb}.tested"
refused "about other bytes" --tested "$deb"
echo nonsense >"${deb%.deb}.tested"
refused "its verdict cannot be read" --tested "$deb"
verdict "$deb" passed
refused "it was not tested" --tested "$plain" "$deb" "$other"
imagerepo verify >/dev/null

note "Require-Tested asks always, of images only"
echo "Require-Tested: yes" >>repo/conf/repo.conf
refused "it was not tested" "$other"
imagerepo add "$plain" >/dev/null
imagerepo add "$deb" >out
contains out "askom 1.4.0 amd64: published in stable"

note "the very bytes that were published before are no way around it"
rm "${deb%.deb}.tested"
run_exit 3 imagerepo add "$deb"
sed -i 's/^Require-Tested: yes/Require-Tested: perhaps/' repo/conf/repo.conf
run_exit 1 imagerepo add "$deb"
contains err "neither yes nor no"
sed -i '/^Require-Tested/d' repo/conf/repo.conf
imagerepo add "$other" >/dev/null
equal "$(published)" 2 "askom published without Require-Tested"
