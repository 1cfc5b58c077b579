#!/bin/bash
# `imagerepo add` dies at every step it makes: at any moment a reader sees the old suite or
# the new one, whole and signed, and one more add ends right.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/fault/every-step.sh"
need gpgv apt-get

make_gnupg signer
old=$(make_deb "$T/debs" hello 1.0)
new=$(make_deb "$T/debs" hello 2.0)
imagerepo --repo "$T/before" init --key "$KEY_FPR" --list-key "$KEY_FPR" \
	--url http://127.0.0.1:9/ --server gate@localhost
imagerepo --repo "$T/before" add "$old"

# versions: what a client of the repository sees, having checked each signature and hash
# from InRelease down to the packages
versions()
{
	local suite=$T/repo/public/dists/stable dir
	local hash file
	dir=main/binary-$(dpkg --print-architecture)
	gpgv --quiet --keyring "$T/signer.gpg" --output "$T/release" "$suite/InRelease" 2>/dev/null
	hash=$(awk -v f="$dir/Packages" '/^SHA256:/ { on = 1 } on && $3 == f { print $1 }' "$T/release")
	[ "$(sha256sum <"$suite/$dir/by-hash/SHA256/$hash" | cut -d' ' -f1)" = "$hash" ]
	[ "$(sha256sum <"$suite/$dir/Packages" | cut -d' ' -f1)" = "$hash" ]
	while read -r file hash; do
		[ "$(sha256sum <"$T/repo/public/$file" | cut -d' ' -f1)" = "$hash" ]
	done < <(awk '/^Filename:/ { f = $2 } /^SHA256:/ { print f, $2 }' "$suite/$dir/Packages")
	awk '/^Version:/ { print $2 }' "$suite/$dir/Packages" | sort | paste -sd' '
}

fault_setup()
{
	rm -rf repo
	cp -a before repo
}
fault_run() { imagerepo --repo "$T/repo" add "$new"; }
fault_between()
{
	[[ "$(versions)" =~ ^1\.0( 2\.0)?$ ]]
}
fault_check()
{
	equal "$(versions)" "1.0 2.0" "versions that a client sees"
	imagerepo --repo "$T/repo" verify >/dev/null
}
every_step imagerepo kill-before
every_step imagerepo kill-after
every_step imagerepo ENOSPC write,pwrite64,writev,mkdir,link,linkat
every_step imagerepo EIO fsync,fdatasync,rename,renameat

note "apt reads what the last of them left"
make_dpkg_root "$T/root"
cat >root/etc/apt/sources.list.d/waybill.sources <<-SOURCES
	Types: deb
	URIs: file:$T/repo/public
	Suites: stable
	Components: main
	Signed-By: $T/signer.gpg
SOURCES
apt-get -q -o Dir="$T/root" -o Dir::State::status="$T/root/var/lib/dpkg/status" update >apt.log 2>&1 ||
	{ cat apt.log >&2; fail "apt-get update"; }
lacks apt.log "W:"
