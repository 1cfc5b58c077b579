#!/bin/bash
# Five real kills each of `imagerepo add` and of `pkgmgr sync`, while real VMs run: a plain
# second run of each, and the site has the right version, one domain and one QEMU. A dpkg
# that a killed sync left behind is part of it.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
. "$top_srcdir/tests/lib/spine.sh"
need_libvirt

port=$(free_port)
spine_init "$(tiny_variant debs first 1.0 "$port")" "$(tiny_variant debs first 2.0 "$port")"
imagerepo site assign kbh1 first=1.0 >&2
sync_site
wait_for 120 "the first page" page_says "$port" "greeting: first 1.0"
domain=$(domain_of first)

# killed SECONDS COMMAND...: start it, and kill it some time within that many seconds
killed()
{
	local pid pause
	pause=$(awk -v max="$1" -v seed=$RANDOM 'BEGIN { srand(seed); printf "%.3f", rand() * max }')
	shift
	"$@" >>killed.log 2>&1 </dev/null &
	pid=$!
	sleep "$pause"
	kill -KILL $pid 2>/dev/null || note "($2 was faster than $pause s)"
	wait $pid 2>/dev/null || true
	note "killed after $pause s; dpkg goes on: $(pgrep -fc "dpkg.*--root=$SITE_ROOT" || true)"
}

for round in 1 2 3 4 5; do
	version=$((1 + round % 2)).0
	note "round $round: version $version"
	deb=$(make_deb debs "extra$round" 1.0)
	killed 0.05 imagerepo add "$deb"
	imagerepo add "$deb" >&2
	imagerepo verify >&2
	imagerepo site assign kbh1 "first=$version" >&2
	killed 3 pkgmgr --root "$SITE_ROOT" sync
	sync_site
	equal "$(root_status "$SITE_ROOT" first)" "install ok installed" "dpkg's status"
	wait_for 120 "version $version" page_says "$port" "greeting: first $version"
	equal "$(running_domains "$domain")" 1 "domains"
	equal "$(pgrep -fc "guest=$domain,")" 1 "QEMUs"
done
run_exit 0 pkgmgr --root "$SITE_ROOT" verify
appliance --root "$SITE_ROOT" stop first
for disk in "$SITE_ROOT"/var/lib/waybill/instances/first/*.qcow2; do
	qemu-img check -q "$disk" || fail "qemu-img check $disk"
done
