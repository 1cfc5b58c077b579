#!/bin/bash
# A site follows its list: add, upgrade, pin, remove, maynothave; and does nothing when
# there is nothing to do.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
site_init

note "add"
add_package askom 1.3.0 "Depends: libask"
add_package askom 1.4.0 "Pre-Depends: waybill-site"
add_package libask 2.0
add_package tiny 1
publish
assign "musthave: askom (= 1.3.0)"
sync_site
cat "$T/out"
is_installed askom 1.3.0
is_installed libask 2.0
equal "$(cat "$ROOT/usr/share/askom/version")" "askom 1.3.0" "the file of askom"
contains "$T/gate/report.json" '"installed":"1.3.0"'
contains "$T/gate/report.json" '"result":"done"'

note "the host's dpkg has not heard of it"
! dpkg-query -W askom 2>/dev/null || fail "askom is in the host's database"

note "plan, then the new pin; what only 1.3.0 needed goes"
assign "musthave: askom (= 1.4.0)" "musthave: tiny"
sync_site --json
contains "$T/out" '"verb":"upgrade"'
is_installed askom 1.4.0
is_installed libask ""
is_installed tiny 1

note "nothing to do"
sync_site
contains "$T/out" "nothing to do"

note "pin back"
assign "musthave: askom (= 1.3.0)" "mayhave: tiny"
sync_site
is_installed askom 1.3.0
is_installed tiny 1

note "remove, and maynothave"
assign "musthave: askom" "maynothave: tiny"
sync_site
is_installed askom 1.4.0
is_installed tiny ""
assign "maynothave: askom"
sync_site
is_installed askom ""
is_installed waybill-site "$(waybill_version)"

note "what runs stands beside what is installed, also when VMs do not come up"
mkdir bin
cat >bin/appliance <<'SH'
#!/bin/sh
echo "$@" >>calls
[ "$1" = list ] || exit "$(cat converge-exit)"
cat instances.json
SH
chmod 755 bin/appliance
echo 0 >converge-exit
cat >instances.json <<-JSON
	[{"name": "askom", "wanted_version": "1.4.0", "running_version": "1.3.0",
	  "state": "running", "note": "1.4.0 was not healthy"}]
JSON
assign "musthave: askom"
PATH=$T/bin:$PATH sync_site
contains calls "converge --all --root $ROOT"
contains "$T/gate/report.json" '"note":"1.4.0 was not healthy"'
PATH=$T/bin:$PATH run_exit 0 pkgmgr status --root "$ROOT"
tr -s ' ' <out >squeezed
contains squeezed "askom 1.4.0 1.4.0 1.3.0 running"
contains squeezed "1.4.0 was not healthy"
echo 1 >converge-exit
PATH=$T/bin:$PATH run_exit 1 pkgmgr sync --root "$ROOT"
contains err "the packages are in place, but their VMs are not"
contains "$T/gate/report.json" '"result":"failed"'
echo "no JSON" >instances.json
PATH=$T/bin:$PATH run_exit 0 pkgmgr status --root "$ROOT"
contains err "printed no list"
rm -r bin

note "status, history, plan, verify"
assign "maynothave: askom"
sync_site
run_exit 0 pkgmgr status --root "$ROOT"
run_exit 0 pkgmgr history --root "$ROOT"
contains "$T/out" "upgrade askom 1.3.0 -> 1.4.0"
run_exit 0 pkgmgr plan --root "$ROOT"
contains "$T/out" "nothing to do"
run_exit 0 pkgmgr verify --root "$ROOT"

note "a version that is out for other sites waits, and plan and report say so"
add_package phased 1
publish
assign "musthave: phased" "mayhave: *"
sync_site
add_package phased 2 "Phased-Update-Percentage: 0"
publish
sync_site
is_installed phased 1
contains "$T/gate/report.json" "phased 2 waits"
run_exit 0 pkgmgr plan --root "$ROOT"
contains "$T/out" "note: phased 2 waits: it is out for 0 % of the sites so far"
contains "$T/out" "; 1 serves"
add_package phased 2 "Phased-Update-Percentage: 100"
publish
sync_site
is_installed phased 2
