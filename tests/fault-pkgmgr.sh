#!/bin/bash
# `pkgmgr sync` dies or fails at every step it makes: the list on disk is the old or the new
# one, and one more sync ends with what the list says.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/fault/every-step.sh"
. "$top_srcdir/tests/lib/site.sh"
FAULT_POINTS=${FAULT_POINTS_PKGMGR:-8}
site_init

add_package askom 1.0
add_package old 1
add_package libc6 1
publish
assign "musthave: askom (= 1.0)" "musthave: old" "musthave: libc6"
sync_site
cp "$T/gate/out/site.list" "$T/old.list"
add_package askom 2.0 "Depends: libask"
add_package libask 1
add_package libc6 2
publish
assign "musthave: askom (= 2.0)" "musthave: libc6"
cp "$T/gate/out/site.list" "$T/new.list"
mv "$ROOT" "$T/before"

origins()
{
	sqlite3 "$ROOT/var/lib/waybill/state.db" "SELECT package FROM origin ORDER BY 1" |
		paste -sd' '
}

not_well()
{
	# shellcheck disable=SC2016 # dpkg's own ${}
	dpkg-query --admindir="$ROOT/var/lib/dpkg" -W -f '${db:Status-Abbrev} ${Package}\n' |
		grep -v '^ii ' || true
}

fault_setup()
{
	rm -rf "$ROOT"
	cp -a "$T/before" "$ROOT"
}
fault_run() { pkgmgr sync --root "$ROOT"; }
fault_between()
{
	cmp -s "$T/old.list" "$ROOT/var/lib/waybill/site.list" ||
		cmp "$T/new.list" "$ROOT/var/lib/waybill/site.list"
}
fault_check()
{
	cmp "$T/new.list" "$ROOT/var/lib/waybill/site.list"
	is_installed askom 2.0
	is_installed libask 1
	is_installed libc6 2
	contains "$ROOT/run/reboot-required.pkgs" libc6 # only a reboot puts it into effect
	is_installed old ""
	equal "$(not_well)" "" "packages that are not well installed"
	equal "$(origins)" "askom libask libc6" "packages that are ours"
	run_exit 0 pkgmgr plan --root "$ROOT"
	contains "$T/out" "nothing to do"
	run_exit 0 pkgmgr verify --root "$ROOT"
}
every_step pkgmgr kill-before
every_step pkgmgr kill-after write,pwrite64,rename,unlink,fsync,fdatasync
every_step pkgmgr ENOSPC write,pwrite64,writev,mkdir
every_step pkgmgr EIO fsync,fdatasync,rename
