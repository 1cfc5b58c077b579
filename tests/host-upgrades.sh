#!/bin/bash
# The host's own packages: security upgrades from a real apt repository by the list's policy,
# never at the list's cost; kernels beside each other, old ones gone.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
site_init
running=$(uname -r)

# debian NAME VERSION [FIELD...], security NAME VERSION [FIELD...]: into Debian's suites
debian() { make_deb "$T/public/debian/pool" "$@"; }
security() { make_deb "$T/public/security/pool" "$@" >/dev/null; }
publish_debian()
{
	RELEASE_ORIGIN=Debian RELEASE_LABEL=Debian publish_in "$T/public/debian"
	RELEASE_ORIGIN=Debian RELEASE_LABEL=Debian-Security publish_in "$T/public/security"
}

# on_host NAME VERSION [FIELD...]: installed by whoever set the machine up
on_host()
{
	root_dpkg "$ROOT" -i "$(debian "$@")" >>dpkg.log 2>&1
}

# Another key than ours signs them, as Debian's own would.
for suite in debian security; do
	cat >"$ROOT/etc/apt/sources.list.d/$suite.sources" <<-SOURCES
		Types: deb
		URIs: http://127.0.0.1:$WEB_PORT/$suite/
		Suites: stable
		Components: main
		Architectures: $(dpkg --print-architecture)
		Signed-By: /etc/waybill/trust.d/repository.gpg
	SOURCES
done

# with_conffile TEXT: openssl's scripts and its /etc/openssl.cnf
with_conffile()
{
	tree=$(mktemp -d "$T/tree.XXXXXX")
	mkdir -p "$tree/DEBIAN" "$tree/etc" "$2"
	chmod -R 755 "$tree"
	echo "$3" >"$tree/etc/openssl.cnf"
	echo /etc/openssl.cnf >"$tree/DEBIAN/conffiles"
	printf '%s\n' "Package: openssl" "Version: $1" "Architecture: all" \
		"Maintainer: x <x@waybill.test>" "Description: x" >"$tree/DEBIAN/control"
	dpkg-deb --root-owner-group -Zgzip -b "$tree" "$2" >/dev/null
}
with_conffile 3.0.1 "$T/public/debian/pool" "as Debian ships it"
root_dpkg "$ROOT" -i "$T/public/debian/pool/openssl_3.0.1_all.deb" >>dpkg.log 2>&1
echo "changed by the admin" >"$ROOT/etc/openssl.cnf"
on_host vim 9.0
on_host libheld 1
on_host "linux-image-$running" 1
on_host linux-image-meta 1 "Depends: linux-image-$running"
add_package askom 1.4.0
publish
publish_debian

note "nothing newer: nothing to do"
assign "musthave: askom"
sync_site
assign
sync_site
is_installed askom ""
is_installed vim 9.0

note "a security suite has newer ones: plan says so, sync installs them with the list's"
with_conffile 3.0.2 "$T/public/security/pool" "as the fix ships it"
security "linux-image-99.1-amd64" 1
security linux-image-meta 2 "Depends: linux-image-99.1-amd64"
security libheld 2 "Depends: libnowhere"
debian vim 9.1 >/dev/null
publish_debian
assign "musthave: askom"
sync_site
for line in "upgrade openssl 3.0.1 -> 3.0.2 (host security)" \
	"install linux-image-99.1-amd64 1 (host dependency)" \
	"upgrade linux-image-meta 1 -> 2 (host security)" "install askom 1.4.0 (musthave)"; do
	contains out "$line"
done
contains out "2 installed, 2 upgraded"
contains err "libheld 2 is held back, 1 stays"
is_installed openssl 3.0.2
is_installed askom 1.4.0
is_installed vim 9.0
is_installed libheld 1
is_installed linux-image-99.1-amd64 1
is_installed "linux-image-$running" 1
equal "$(cat "$ROOT/etc/openssl.cnf")" "changed by the admin" "a conffile of the admin's"
contains "$T/gate/report.json" "libheld 2 is held back"

note "they are the host's: no list takes them away; a second sync has nothing to do"
assign
sync_site
is_installed askom ""
is_installed linux-image-99.1-amd64 1
is_installed linux-image-meta 2
sync_site
contains out "nothing to do"
run_exit 0 pkgmgr history --root "$ROOT"
contains out "upgrade openssl 3.0.1 -> 3.0.2"

note "Host-Upgrades: none and all"
security openssl 3.0.3
publish_debian
assign "Host-Upgrades: none"
sync_site
contains out "nothing to do"
assign "Host-Upgrades: all"
sync_site
is_installed openssl 3.0.3
is_installed vim 9.1

note "Debian's server is away: the indexes of before serve"
security vim 9.2
publish_debian
web_stop
assign
sync_site
is_installed vim 9.1
contains "$T/gate/report.json" "Unable to connect"
web_start
sync_site
is_installed vim 9.2

note "a list that is refused upgrades nothing; plan shows the same as sync, also as JSON"
security vim 9.3
publish_debian
assign "musthave: nowhere"
run_exit 3 pkgmgr sync --root "$ROOT"
contains err "nowhere"
is_installed vim 9.2
assign "Host-Upgrades: security"
mv "$T/public/security/pool/vim_9.3"_*.deb away.deb
run_exit 1 pkgmgr sync --root "$ROOT"
contains err "fetch vim 9.3"
run_exit 0 pkgmgr plan --root "$ROOT"
contains out "upgrade vim 9.2 -> 9.3 (host security)"
run_exit 0 pkgmgr plan --json --root "$ROOT"
contains out '"reason":"host security","host":true'

note "bytes that the index does not name are not installed"
head -c "$(stat -c %s away.deb)" /dev/zero >"$T/public/security/pool/vim_9.3_$(dpkg --print-architecture).deb"
run_exit 3 pkgmgr sync --root "$ROOT"
is_installed vim 9.2
mv away.deb "$T/public/security/pool/vim_9.3_$(dpkg --print-architecture).deb"

note "a suite that another key signs changes nothing"
cp -r "$T/public/security" good
KEPT=$GNUPGHOME
make_gnupg stranger
security openssl 66
publish_debian
GNUPGHOME=$KEPT
run_exit 3 pkgmgr sync --root "$ROOT"
is_installed openssl 3.0.3
is_installed vim 9.2
rm -r "$T/public/security"
mv good "$T/public/security"
publish_debian
sync_site
is_installed vim 9.3
is_installed openssl 3.0.3

note "the third kernel comes, the oldest that does not run goes"
for n in 2 3; do
	security "linux-image-99.$n-amd64" 1
	security linux-image-meta 1$n "Depends: linux-image-99.$n-amd64"
	publish_debian
	sync_site
done
contains out "remove linux-image-99.1-amd64 1 (old kernel)"
is_installed linux-image-99.1-amd64 ""
is_installed linux-image-99.2-amd64 1
is_installed linux-image-99.3-amd64 1
is_installed "linux-image-$running" 1

note "nothing else upgrades the host: apt's own timers are told to do nothing"
mkdir -p "$ROOT/etc/apt/apt.conf.d"
printf 'APT::Periodic::Enable "1";\nAPT::Periodic::Unattended-Upgrade "1";\n' \
	>"$ROOT/etc/apt/apt.conf.d/50unattended-upgrades"
cp "$top_srcdir/debian/site/90waybill" "$ROOT/etc/apt/apt.conf.d/"
echo "Dir \"$ROOT/\";" >apt.conf
equal "$(APT_CONFIG=$T/apt.conf apt-config shell X APT::Periodic::Enable)" "X='0'" "APT::Periodic::Enable"

note "policies that the operator got wrong are refused on his side, and lists on the site's"
while IFS='|' read -r field why; do
	assign "$field"
	run_exit 3 pkgmgr sync --root "$ROOT"
	contains err "$why"
done <<-'TABLE'
	Host-Upgrades: some|'some' is neither
	Security-Origins: Debian|ORIGIN/LABEL
	Keep-Kernels: 0|Keep-Kernels
	Reboot-Window: 3-5|no time of day
	Reboot-Window: 05:00-05:00|no length
	Min-Free: much|no size
	Host-Upgrade: all|unknown field
TABLE
is_installed vim 9.3
