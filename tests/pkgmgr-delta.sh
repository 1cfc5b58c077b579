#!/bin/bash
# A site upgrades an image package by a delta: it fetches that and not the package, what it
# installs is what was published, and whatever is wrong with delta or base costs the full package
# and no more.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
need mke2fs qemu-img openssl
need_root

export WAYBILL_REPO=$T/repo
mkdir -p bin repo/public
ln -s repo/public public
# No VM is wanted here.
cat >bin/appliance <<'SH'
#!/bin/sh
[ "$1" != list ] || echo '[]'
SH
chmod 755 bin/appliance
PATH=$T/bin:$PATH
site_init
rm -rf repo
imagerepo init --key "$KEY_FPR" --list-key "$KEY_FPR" >/dev/null
echo "Deltas: 1" >>repo/conf/repo.conf

noise()
{
	openssl enc -aes-128-ctr -nosalt -pass "pass:$1" -md sha256 </dev/zero 2>/dev/null |
		head -c "$2" || true
}

# published VERSION: a package whose disk differs from the others' by a file; into the repository
published()
{
	rm -rf tree disk.raw
	mkdir -p tree/usr
	noise same 1500000 >tree/usr/same
	noise "$1" 20000 >tree/usr/other
	truncate -s 16M disk.raw
	mke2fs -q -F -t ext4 -d tree -U 12345678-1234-1234-1234-123456789012 disk.raw
	imagerepo add "$(imagepkg -q wrap --disk disk.raw --name askom --version "$1")" >/dev/null
}

disk=$ROOT/var/lib/waybill/appliances/askom/disk.qcow2

# upgraded VERSION WHAT...: a sync that installs it and fetches exactly these files of the pool
upgraded()
{
	local version=$1
	shift
	: >web/access.log
	sync_site
	is_installed askom "$version"
	equal "$(grep -oE 'askom_[^ ]*[.](deb|delta) [^"]*" 20[06]' web/access.log | cut -d' ' -f1 |
		sort -u | xargs)" "$*" "what was fetched for $version"
	cmp "$disk" <(dpkg-deb --fsys-tarfile "askom_${version}_amd64.deb" |
		tar -xO ./var/lib/waybill/appliances/askom/disk.qcow2)
	equal "$(find "$ROOT/var/cache/waybill/archives" -name "*.de*")" "" "what is left in the cache"
}

note "the first time, all of it"
published 1.0
assign "musthave: askom"
upgraded 1.0 askom_1.0_amd64.deb

note "by a delta"
published 1.1
upgraded 1.1 askom_1.0_1.1_amd64.delta
contains err "delta-done"

note "by two of them"
published 1.2
published 1.3
upgraded 1.3 askom_1.1_1.2_amd64.delta askom_1.2_1.3_amd64.delta

note "an altered base"
published 1.4
chmod u+w "$disk"
flip_bit "$disk" 600000
upgraded 1.4 askom_1.3_1.4_amd64.delta askom_1.4_amd64.deb
contains err "was altered"
contains "$T/gate/report.json" "was altered"

note "a delta with other bytes, and one that is not there"
published 1.5
flip_bit public/pool/main/a/askom/askom_1.4_1.5_amd64.delta 5000
upgraded 1.5 askom_1.4_1.5_amd64.delta askom_1.5_amd64.deb
contains err "no use"
published 1.6
rm public/pool/main/a/askom/askom_1.5_1.6_amd64.delta
upgraded 1.6 askom_1.6_amd64.deb

note "a server with packages alone"
published 1.7
rm -f public/dists/stable/main/binary-amd64/Deltas* public/pool/main/a/askom/*.delta
rm -rf public/dists/stable/main/binary-amd64/by-hash
upgraded 1.7 askom_1.7_amd64.deb
