#!/bin/bash
# Our Debian packages build from the tracked files, please lintian, and say what they need.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need dpkg-buildpackage lintian git
git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1 || skip "not a git checkout"
debs=$top_builddir/tests/debs
"$top_srcdir/tests/lib/build-debs" "$debs"

note "lintian"
lintian --allow-root --fail-on error,warning "$debs"/*.changes >lintian.out 2>&1 ||
	{ cat lintian.out >&2; fail "lintian has something to say"; }
[ "$(grep -cE '^[EW]:' lintian.out)" = 0 ] || { cat lintian.out >&2; fail "lintian"; }

# field DEB FIELD
field()
{
	dpkg-deb -f "$debs/$1"_*.deb "$2"
}

note "security floors are versioned dependencies"
field waybill-site Depends >depends
for floor in "libapt-pkg6.0 (>= 2.6.2)" "dpkg (>= 1.21.23)" "rsync (>= 3.5.0)"; do
	contains depends "$floor"
done
field waybill-repo Depends >depends
contains depends "rsync (>= 3.5.0)"

note "every program comes with its man page and is hardened"
for deb in "$debs"/*.deb; do
	rm -rf tree
	dpkg-deb -x "$deb" tree
	for program in tree/usr/bin/* tree/usr/sbin/*; do
		[ -e "$program" ] || continue
		name=${program##*/}
		ls tree/usr/share/man/man[18]/"$name".[18].gz >/dev/null 2>&1 ||
			fail "$name has no man page in $deb"
		readelf -d "$program" | grep -q 'FLAGS_1.*PIE' || fail "$name is no PIE"
	done
done

note "pkgmgrd links none of the heavy libraries"
dpkg-deb -x "$debs"/waybill-site_*.deb tree
readelf -d tree/usr/sbin/pkgmgrd | grep NEEDED >linked
for library in apt-pkg curl gpgme sqlite3 archive virt; do
	lacks linked "lib$library"
done
