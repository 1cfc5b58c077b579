#!/bin/bash
# A site upgrades an image package by a delta: it fetches that and not the package, what it
# installs is what was published, and whatever is wrong with delta or base costs the full package
# and no more.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
. "$top_srcdir/tests/lib/image.sh"
image_site_init
. "$top_srcdir/tests/lib/order.sh"

# published VERSION: into the repository
published()
{
	imagerepo add "$(image "$1")" >/dev/null
}

disk=$ROOT/var/lib/waybill/appliances/askom/disk.qcow2

# upgraded VERSION WHAT...: a sync that installs it and fetches exactly these files of the pool, and
# parses nothing that it has not verified
upgraded()
{
	local version=$1
	shift
	: >web/access.log
	rm -f trace
	run_exit 0 "${WATCH[@]}" pkgmgr sync --root "$ROOT"
	is_installed askom "$version"
	equal "$(grep -oE 'askom_[^ ]*[.](deb|delta) [^"]*" 20[06]' web/access.log | cut -d' ' -f1 |
		sort -u | xargs)" "$*" "what was fetched for $version"
	cmp "$disk" <(dpkg-deb --fsys-tarfile "askom_${version}_amd64.deb" |
		tar -xO ./var/lib/waybill/appliances/askom/disk.qcow2)
	equal "$(find "$ROOT/var/cache/waybill/archives" -type f)" "" "what is left in the cache"
	[ -z "$ORDER_SO" ] || check_order trace >order
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
