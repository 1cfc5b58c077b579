#!/bin/bash
# `imagerepo site assign` dies at every step it makes while it moves a name from musthave to
# maynothave: what is served is always one signed list with the parameters it names, the
# name is never in none of the lists, a serial never comes back with other bytes, and one
# more run ends right.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/fault/every-step.sh"
need gpgv

make_gnupg signer
imagerepo --repo "$T/before" init --key "$KEY_FPR" >/dev/null
imagerepo --repo "$T/before" site add kbh1 >/dev/null
imagerepo --repo "$T/before" site assign kbh1 askom 2>/dev/null >/dev/null
imagerepo --repo "$T/before" site param kbh1 askom GREETING=hello >/dev/null

# served: the signed text, having checked signature and parameters
served()
{
	local out=$T/repo/private/sites/kbh1/out text hash
	text=$(gpgv --quiet --keyring "$T/signer.gpg" --output - "$out/site.list" 2>/dev/null) || return 1
	hash=$(sha256sum <"$out/params/askom" | cut -d' ' -f1)
	grep -q "^ $hash .* askom\$" <<<"$text" || return 1
	printf '%s\n' "$text"
}
serial() { served | sed -n 's/^Serial: //p'; }

# Lists that were seen, "serial hash": a serial must not come back with another hash.
see()
{
	printf '%s %s\n' "$(serial)" "$(served | sha256sum | cut -d' ' -f1)" >>"$T/seen"
	equal "$(sort -u "$T/seen" | cut -d' ' -f1 | uniq -d)" "" "serials with two contents"
}

fault_setup()
{
	rm -rf repo seen
	cp -a before repo
	see
}
fault_run() { imagerepo --repo "$T/repo" site assign kbh1 --maynot askom; }
fault_between()
{
	see
	equal "$(served | grep -c '^ askom$')" 1 "times that askom is in the served lists"
	grep -q askom repo/private/sites/kbh1/m*have
}
fault_check()
{
	see
	equal "$(served | sed '1,/^List: maynothave/d' | grep -c '^ askom$')" 1 "times that it may not have it"
	equal "$(served | grep -c '^ askom$')" 1 "times that askom is in the lists"
	imagerepo --repo "$T/repo" verify >/dev/null
	equal "$(find repo/private -name '.*tmp*')" "" "temporary files left"
}
every_step imagerepo kill-before
every_step imagerepo kill-after
every_step imagerepo ENOSPC write,mkdir,symlink
every_step imagerepo EIO fsync,rename,renameat
