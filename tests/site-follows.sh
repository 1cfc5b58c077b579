#!/bin/bash
# The whole spine with real VMs: a changed list makes a site follow, through the real
# repository, gate, sshd, web server, apt, dpkg, libvirt and QEMU.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
. "$top_srcdir/tests/lib/spine.sh"
need_libvirt

first=$(free_port)
second=$(free_port)
a1=$(tiny_variant debs first 1.0 "$first")
a2=$(tiny_variant debs first 2.0 "$first")
b1=$(tiny_variant debs second 1.0 "$second")
spine_init "$a1" "$b1"

versions()
{
	appliance --root "$SITE_ROOT" list --json | tr -d ' \n'
}

note "add: a list that names an appliance starts it"
imagerepo site assign kbh1 first >&2
sync_site
wait_for 120 "the page of first" page_says "$first" "greeting: first 1.0"
first_domain=$(domain_of first)
equal "$(running_domains "$first_domain")" 1 "domains of first"

note "two at once, each on its own port"
imagerepo site assign kbh1 second >&2
imagerepo site param kbh1 second "GREETING=set by the operator" >&2
sync_site
wait_for 120 "the page of second" page_says "$second" "greeting: set by the operator"
page_says "$first" "greeting: first 1.0" || fail "first does not answer any more"
second_domain=$(domain_of second)

note "pin: the newer version is published, the site stays where it is pinned"
imagerepo add "$a2" >&2
imagerepo site assign kbh1 first=1.0 >&2
sync_site
equal "$(dpkg-query --admindir="$SITE_ROOT/var/lib/dpkg" -W -f '${Version}' first)" 1.0 "pinned"
imagerepo site assign kbh1 first >&2
sync_site
wait_for 120 "the new page" page_says "$first" "greeting: first 2.0"
page_says "$first" "data-boots: 2" || fail "the data disk did not survive: $(page "$first")"
page_says "$first" "system-boots: 1" || fail "the overlay is not new: $(page "$first")"
versions | grep -qF '"running_version":"2.0"' || fail "$(versions)"
equal "$(running_domains "$first_domain")" 1 "domains of first after the upgrade"

note "pinned back: a downgrade"
imagerepo site assign kbh1 first=1.0 >&2
sync_site
wait_for 120 "the old page" page_says "$first" "greeting: first 1.0"

note "remove: off the list, the VM stops, the data disk stays"
imagerepo site unassign kbh1 second >&2
sync_site
equal "$(running_domains "$second_domain")" 0 "domains of second"
[ "$(root_status "$SITE_ROOT" second)" != "install ok installed" ] || fail "second is still installed"
[ -e "$SITE_ROOT/var/lib/waybill/instances/second/data.qcow2" ] || fail "the data disk is gone"
page "$second" >/dev/null 2>&1 && fail "second still answers"
page_says "$first" "greeting: first 1.0" || fail "first was hit too"

note "maynothave: what must not be there goes"
imagerepo site assign kbh1 --maynot first >&2
sync_site
equal "$(running_domains "$first_domain")" 0 "domains of first"
page "$first" >/dev/null 2>&1 && fail "first still answers"

note "what the operator sees"
imagerepo site show kbh1 >shown
contains shown "kbh1"
contains shown "done"
imagerepo verify >&2

note "a list by somebody else changes nothing, and the operator hears of it"
listed=$(imagerepo site show kbh1 --json | tr -d ' \n')
list=$WAYBILL_REPO/private/sites/kbh1/out/site.list
sed 's/^Serial: .*/Serial: 9999/' "$list" >forged
cp "$list" good
cat forged >"$list"
sync_site 3
cat good >"$list"
imagerepo site show kbh1 >shown
contains shown "refused"
[ "$listed" != "$(imagerepo site show kbh1 --json | tr -d ' \n')" ] || fail "no new report"
sync_site
