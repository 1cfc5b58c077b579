#!/bin/bash
# What an admin changed in the host's network survives an upgrade, by real dpkg and our real
# package: a changed file stays, an unchanged one becomes the new one, a removal keeps them, a
# purge leaves nothing.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need dpkg-buildpackage git
git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1 || skip "not a git checkout"
"$top_srcdir/tests/lib/build-debs" "$top_builddir/tests/debs"
deb=$(echo "$top_builddir"/tests/debs/waybill-hostconfig_*.deb)
root=$T/root
etc=$root/etc/waybill

# What the package needs counts as installed.
field()
{
	dpkg-deb -f "$deb" "$1"
}
mapfile -t needs < <(field Depends | tr ',' '\n' |
	sed -E 's/\|.*//; s/^ *([a-z0-9.+-]+)(:any)? *(\([<>=]+ ([^)]+)\))?.*/\1=\4/; s/=$/=99/')
"$top_srcdir/tests/lib/dpkg-root" "$root" "${needs[@]}"

# unattended DPKG ARGUMENT...: as pkgmgr has it, nobody to ask
unattended()
{
	root_dpkg "$root" --force-confdef --force-confold "$@" </dev/null >dpkg.log 2>&1 ||
		{ cat dpkg.log >&2; fail "dpkg $*"; }
}

note "all that an admin may change is a conffile"
dpkg-deb -x "$deb" tree
(cd tree && find etc -type f | sed 's#^#/#' | sort) >files
dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./conffiles | sort >conffiles
diff files conffiles
for name in hostconfig nftables dnsmasq; do
	contains conffiles "/etc/waybill/$name.conf"
done

note "install, change two of three, upgrade to one with three new ones"
unattended -i "$deb"
equal "$(root_status "$root" waybill-hostconfig)" "install ok installed" "status"
echo "Ssh-From: 10.0.0.0/8" >"$etc/hostconfig.conf"
sed -i 's/elements = { 1194 }.*/elements = { 1194, 51820 }/' "$etc/nftables.conf"
contains "$etc/nftables.conf" 51820
dpkg-deb -R "$deb" newer
for name in hostconfig nftables dnsmasq; do
	echo "# newer" >>"newer/etc/waybill/$name.conf"
done
sed -i 's/^Version: .*/&+newer/' newer/DEBIAN/control
sed -i '/etc\/waybill/d' newer/DEBIAN/md5sums
dpkg-deb --root-owner-group -Zgzip -b newer newer.deb >/dev/null
unattended -i newer.deb
equal "$(cat "$etc/hostconfig.conf")" "Ssh-From: 10.0.0.0/8" "hostconfig.conf after the upgrade"
contains "$etc/nftables.conf" 51820
lacks "$etc/nftables.conf" "# newer"
contains "$etc/dnsmasq.conf" "# newer"
contains "$etc/hostconfig.conf.dpkg-dist" "# newer"

note "what the admin opened is in force, in the newer version too"
if unshare -n true 2>/dev/null && unshare -n nft list tables >/dev/null 2>&1; then
	unshare -n sh -c 'waybill-hostconfig --root "$1" up && nft list table inet waybill_host' - \
		"$root" >rules
	contains rules 51820
	contains rules 10.0.0.0/8
fi

note "removed, they stay; purged, nothing does"
unattended -r waybill-hostconfig
contains "$etc/nftables.conf" 51820
unattended -P waybill-hostconfig
equal "$(find "$root/etc/waybill" -type f)" "" "left in /etc"
[ ! -e "$root/var/lib/waybill/dhcp-hosts" ] || fail "dhcp-hosts is left"
