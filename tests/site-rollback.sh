#!/bin/bash
# A version that is not healthy, through the whole spine with real VMs: the site goes back by
# itself, the operator reads why, the next sync does not try it again, a newer one is tried.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
. "$top_srcdir/tests/lib/spine.sh"
need_libvirt
need jq

port=$(free_port)
other=$(free_port)
files=$T/files
mkdir "$files"
dpkg-deb --fsys-tarfile "$(tiny_deb)" |
	tar -x -C "$files" --strip-components=6 ./var/lib/waybill/appliances/tiny

# version VERSION CHECK: tiny as askom; its greeting says the version; port 81 has no service
version()
{
	sed -E '/^(Format|Appliance|Version|Architecture|Base-SHA256|Disk|Health|Watch|Ports):/d
		/^ (http|tcp|agent)/d; s/^ GREETING=.*/ GREETING=askom '"$1"'/' \
		"$files/appliance.conf" >"$files/conf"
	printf 'Ports: %s:80 %s:81\nWatch: 2s\nHealth:\n %s\n' "$port" "$other" "$2" >>"$files/conf"
	imagepkg --quiet wrap --name askom --version "$1" --disk "$files/disk.qcow2" \
		--kernel "$files/vmlinuz" --initrd "$files/initrd.img" --config "$files/conf" -o debs
}
pkgmgr() { command pkgmgr --root "$SITE_ROOT" "$@"; }
shown() { imagerepo site show kbh1 >shown; contains shown "$1"; }

mkdir debs
spine_init "$(version 1.0 "http:80/ deadline=120s interval=1s")"
imagerepo site assign kbh1 askom >&2
sync_site
page_says "$port" "greeting: askom 1.0" || fail "the sync did not wait for the page"
sleep 2
run_exit 0 appliance --root "$SITE_ROOT" converge askom
shown "askom: wanted 1.0 installed 1.0"
lacks shown attention

note "a version whose check never passes: the sync goes back, and says so"
imagerepo add "$(version 2.0 "http:81/ deadline=15s interval=1s")" >&2
sync_site 1
contains err "the packages are in place, but a version had to be rolled back"
contains err "askom 2.0 is installed, 1.0 runs: 2.0 was rolled back at 20"
contains err "http:81/: "
wait_for 60 "the page of 1.0" page_says "$port" "greeting: askom 1.0"
equal "$(dpkg-query --admindir="$SITE_ROOT/var/lib/dpkg" -W -f '${Version}' askom)" 2.0 "dpkg's"

note "the operator reads it"
words="askom 2.0 is installed, 1.0 runs: 2.0 was rolled back at 20"
shown "attention    $words"
contains shown "| http:81/: "
contains shown "is ready"
imagerepo site list >sites
contains sites "$words"
imagerepo --json site list >sites
jq -e '.[0].attention | length == 1' sites >/dev/null || fail "site list --json: $(cat sites)"
imagerepo --json site show kbh1 >shown
equal "$(jq -r '.report.instances[0] | .installed, .running_version, .good_version, .bad_versions[0].version' \
	shown | xargs)" "2.0 1.0 1.0 2.0" "versions in the report"

note "so does who is at the site"
run_exit 0 pkgmgr status
contains out "$words"
equal "$(tr -s ' ' <out | grep '^askom')" "askom 2.0 2.0 1.0 running" "versions in the status"
run_exit 0 pkgmgr --json status
equal "$(jq -r '.packages[0] | .installed, .running' out | xargs)" "2.0 1.0" "status --json"
run_exit 0 pkgmgr plan
contains out "note: $words"
contains out "nothing to do"
appliance --root "$SITE_ROOT" list >listed
contains listed "askom 1.0 runs: 2.0 was rolled back at 20"

note "the next sync does not try it again, and still says why"
sync_site
contains out "nothing to do"
page_says "$port" "greeting: askom 1.0" || fail "1.0 does not serve"
shown "$words"
shown "done, askom 2.0 is installed"

note "nor when dpkg has gone back"
root_dpkg "$SITE_ROOT" -i debs/askom_1.0_amd64.deb >dpkg.log 2>&1
run_exit 0 pkgmgr plan
contains out "askom 2.0 was rolled back on this site and is not tried again; 1.0 serves"
sync_site
contains out "nothing to do"

note "a newer one is tried"
imagerepo add "$(version 3.0 "http:80/ deadline=120s interval=1s")" >&2
sync_site
page_says "$port" "greeting: askom 3.0" || fail "3.0 does not serve"
imagerepo site show kbh1 >shown
lacks shown attention
