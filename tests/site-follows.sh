#!/bin/bash
# The whole spine with real VMs: a changed list makes a site follow, through the real
# repository, gate, sshd, web server, apt, dpkg, libvirt and QEMU.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
need_root
need curl rsync ssh
need_libvirt

# --- the operator's side and a site, as an admin would set them up ----------

first=$(free_port)
second=$(free_port)
web=$(free_port)
a1=$(tiny_variant debs first 1.0 "$first")
a2=$(tiny_variant debs first 2.0 "$first")
b1=$(tiny_variant debs second 1.0 "$second")

make_gnupg operator
start_sshd "SetEnv PATH=$PATH"
export WAYBILL_REPO=$T/repo
imagerepo init --key "$KEY_FPR" --list-key "$KEY_FPR" --url "http://127.0.0.1:$web" \
	--server "root@127.0.0.1:$SSHD_PORT" --host-key "$SSHD_DIR/host_key.pub" >&2
imagerepo serve --port "$web" >web.log 2>&1 &
track_pid $!
imagerepo add "$a1" "$b1" >&2

root=$T/site
make_dpkg_root "$root"
ssh-keygen -q -t ed25519 -N '' -C kbh1 -f "$root/etc/waybill/ssh/id_ed25519"
imagerepo site add kbh1 --key "$root/etc/waybill/ssh/id_ed25519.pub" >&2
imagerepo site keys >"$SSHD_AUTHORIZED_KEYS"
imagerepo site bundle kbh1 | tar -x -C "$root" --no-same-owner
echo "Fetch-User: nobody" >>"$root/etc/waybill/pkgmgr.conf"
chown -R nobody "$root/etc/waybill/ssh"
# Whatever this test leaves running is stopped through the front door.
at_exit "for n in first second; do
	dpkg --root=$root --force-script-chrootless --purge \$n; done >$T/purge.log 2>&1"

sync_site() { run_exit "${1:-0}" pkgmgr --root "$root" sync; }
versions() { appliance --root "$root" list --json | tr -d ' \n'; }
page() { curl -fsS -m 5 "http://127.0.0.1:$1/"; }
says() { page "$1" | grep -qF "$2"; }
running_domains() { virsh -q -c qemu:///system list --name | grep -c "$1" || true; }
domain_of() { appliance --root "$root" show "$1" --json | sed -n 's/.*"domain":"\([^"]*\)".*/\1/p'; }

note "add: a list that names an appliance starts it"
imagerepo site assign kbh1 first >&2
sync_site
wait_for 120 "the page of first" says "$first" "greeting: first 1.0"
first_domain=$(domain_of first)
equal "$(running_domains "$first_domain")" 1 "domains of first"

note "two at once, each on its own port"
imagerepo site assign kbh1 second >&2
imagerepo site param kbh1 second "GREETING=set by the operator" >&2
sync_site
wait_for 120 "the page of second" says "$second" "greeting: set by the operator"
says "$first" "greeting: first 1.0" || fail "first does not answer any more"
second_domain=$(domain_of second)

note "pin: the newer version is published, the site stays where it is pinned"
imagerepo add "$a2" >&2
imagerepo site assign kbh1 first=1.0 >&2
sync_site
equal "$(dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Version}' first)" 1.0 "pinned"
imagerepo site assign kbh1 first >&2
sync_site
wait_for 120 "the new page" says "$first" "greeting: first 2.0"
says "$first" "data-boots: 2" || fail "the data disk did not survive: $(page "$first")"
says "$first" "system-boots: 1" || fail "the overlay is not new: $(page "$first")"
versions | grep -qF '"running_version":"2.0"' || fail "$(versions)"
equal "$(running_domains "$first_domain")" 1 "domains of first after the upgrade"

note "pinned back: a downgrade"
imagerepo site assign kbh1 first=1.0 >&2
sync_site
wait_for 120 "the old page" says "$first" "greeting: first 1.0"

note "remove: off the list, the VM stops, the data disk stays"
imagerepo site unassign kbh1 second >&2
sync_site
equal "$(running_domains "$second_domain")" 0 "domains of second"
[ "$(root_status "$root" second)" != "install ok installed" ] || fail "second is still installed"
[ -e "$root/var/lib/waybill/instances/second/data.qcow2" ] || fail "the data disk is gone"
page "$second" >/dev/null 2>&1 && fail "second still answers"
says "$first" "greeting: first 1.0" || fail "first was hit too"

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
