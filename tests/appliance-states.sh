#!/bin/bash
# What converge does for each change of what is wanted, on libvirt's test driver; and what
# it does where no hypervisor answers.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_test_driver
need qemu-img qemu-io sqlite3
make_site
name=states$$
dir=$root/var/lib/waybill/instances/$name
db=$root/var/lib/waybill/state.db

appliance()
{
	command appliance --root "$root" "$@"
}

# column COLUMN: of the instance's row
column()
{
	sqlite3 "$db" "SELECT coalesce($1, 'NULL') FROM instance WHERE name = '$name'"
}

# is STATE VERSION
is()
{
	equal "$(state_of "$name")" "$1" "state"
	equal "$(column actual_version)" "$2" "version"
	equal "$(column step)" NULL "step at rest"
	equal "$(column note)" NULL "note at rest"
	equal "$(of_root | wc -l)" 1 "domains"
}

digest()
{
	virsh -q -c "$WAYBILL_LIBVIRT_URI" dumpxml "$(of_root)" |
		sed -n "s/.*digest=.\([0-9a-f]*\).*/\1/p"
}

note "start, stop, pause, resume, and each of them twice"
put_package "$name" 1.0 "Data: 4M" "Swap: 4M" "Params: WHO=world"
appliance want "$name"
appliance converge "$name"
is running 1.0
for try in first second; do
	note "$try time"
	appliance pause "$name"
	is paused 1.0
	appliance converge --all
	is paused 1.0
	appliance resume "$name"
	is running 1.0
	appliance stop "$name"
	is stopped 1.0
	appliance start "$name"
	is running 1.0
done
appliance pause "$name"
appliance stop "$name"
is stopped 1.0
appliance pause "$name"
is paused 1.0
appliance resume "$name"

note "a domain that somebody switched off, or undefined, comes back"
virsh -q -c "$WAYBILL_LIBVIRT_URI" destroy "$(of_root)" >/dev/null
equal "$(state_of "$name")" stopped "state after virsh destroy"
appliance converge --all
is running 1.0
virsh -q -c "$WAYBILL_LIBVIRT_URI" destroy "$(of_root)" >/dev/null
virsh -q -c "$WAYBILL_LIBVIRT_URI" undefine "$(of_root)" >/dev/null
appliance converge --all
is running 1.0

note "other parameters make another domain, the same ones do not"
before=$(digest)
inode=$(stat -c %i "$dir/seed.iso")
appliance converge "$name"
equal "$(digest) $(stat -c %i "$dir/seed.iso")" "$before $inode" "nothing to do"
echo "WHO: moon" >"$root/var/lib/waybill/params/$name"
appliance converge "$name"
is running 1.0
[ "$(digest)" != "$before" ] || fail "new parameters changed nothing"
[ "$(stat -c %i "$dir/seed.iso")" != "$inode" ] || fail "the seed is the old one"

note "bad parameters: said, recorded, and the old domain runs on"
before=$(digest)
echo "WHAT: moon" >"$root/var/lib/waybill/params/$name"
run_exit 1 appliance converge "$name"
contains err "declares no parameter WHAT"
equal "$(state_of "$name")" running "state"
appliance list >list.txt
contains list.txt "declares no parameter WHAT"
run_exit 0 appliance converge "$name" --start-only
contains err "declares no parameter WHAT"
equal "$(digest)" "$before" "the domain"
run_exit 0 appliance stop "$name"
equal "$(state_of "$name")" stopped "bad parameters do not keep it from stopping"
run_exit 1 appliance start "$name"
contains err "declares no parameter WHAT"
rm "$root/var/lib/waybill/params/$name"
appliance converge "$name"
is running 1.0

note "an overlay or seed that has gone is made again; the data disk is not touched"
inode=$(stat -c %i "$dir/data.qcow2")
appliance stop "$name"
rm "$dir/system.qcow2" "$dir/seed.iso" "$dir/swap.img"
appliance start "$name"
is running 1.0
[ -e "$dir/seed.iso" ] && [ -e "$dir/swap.img" ] || fail "not made again"
equal "$(stat -c %i "$dir/data.qcow2")" "$inode" "data disk"

note "dpkg has unpacked a new version but not configured it: nothing moves"
appliance retain "$name"
put_package "$name" 2.0 "Data: 4M"
appliance converge --all
is running 1.0
appliance stop "$name"
appliance start "$name"
is running 1.0
appliance want "$name"
appliance converge "$name"
is running 2.0
[ -e "$root/var/lib/waybill/versions/$name/1.0" ] || fail "1.0 was not kept"

note "a stopped one stays stopped over an upgrade; its data disk is one file again"
appliance stop "$name"
equal "$(stat -c %i "$dir/data.qcow2")" "$inode" "data disk"
[ ! -e "$dir/before" ] || fail "what was kept for a way back is still there"
put_package "$name" 3.0 "Data: 4M"
appliance want "$name"
appliance converge "$name"
is stopped 3.0

note "the same version again with other bytes"
put_package "$name" 3.0 "Data: 4M" "Memory: 64M"
qemu-io -c 'write -P 9 64k 64k' "$root/var/lib/waybill/appliances/$name/disk.qcow2" >/dev/null
sha=$(sha256sum <"$root/var/lib/waybill/appliances/$name/disk.qcow2" | cut -d' ' -f1)
sed -i "s/^Base-SHA256:.*/Base-SHA256: $sha/" \
	"$root/var/lib/waybill/appliances/$name/appliance.conf"
appliance want "$name"
appliance converge "$name"
is stopped 3.0
equal "$(qemu-img info --output=json "$dir/system.qcow2" |
	sed -n 's/.*"full-backing-filename": ".*\/\([0-9a-f]*\).qcow2".*/\1/p')" "$sha" base

note "a base with another hash than it should have is refused"
put_package "$name" 4.0
qemu-io -c 'write -P 3 128k 4k' "$root/var/lib/waybill/appliances/$name/disk.qcow2" >/dev/null
appliance want "$name"
run_exit 3 appliance converge "$name"
contains err "has SHA-256"
[ ! -e "$root/var/lib/waybill/versions/$name/4.0" ] || fail "taken into the store"
run_exit 0 appliance retain "$name"
contains err "not kept"
put_package "$name" 5.0
appliance want "$name"
appliance converge "$name"
is stopped 5.0

note "what a death left in the base store goes with gc"
bases=$root/var/lib/waybill/bases
stray=$(printf 'stray' | sha256sum | cut -c1-64)
echo half >"$bases/$stray.qcow2.new"
echo whole >"$bases/$stray.qcow2"
echo other >"$bases/README"
appliance start "$name" # what was never started is on trial, and its forerunner is kept
appliance stop "$name"
appliance gc >/dev/null
equal "$(find "$bases" -name "$stray*")" "" "strays"
equal "$(find "$bases" -name '*.qcow2' | wc -l)" 1 "bases after gc"
equal "$(ls "$root/var/lib/waybill/versions/$name")" 5.0 "versions after gc"
[ -e "$bases/README" ] || fail "gc took what is not its own"
is stopped 5.0

note "no hypervisor: recorded, said, and done at the next boot"
appliance start "$name"
put_package "$name" 6.0
appliance want "$name"
away()
{
	WAYBILL_LIBVIRT_URI="qemu+unix:///system?socket=$T/nobody" appliance "$@"
}
run_exit 0 away converge "$name" --start-only
contains err "waits for the next boot"
run_exit 1 away converge "$name"
contains err "no hypervisor answers"
run_exit 0 away list
contains out unknown
[ -e "$root/var/lib/waybill/versions/$name/6.0" ] || fail "6.0 was not retained"
equal "$(column actual_version)" 5.0 "version without a hypervisor"
appliance converge --all
is running 6.0

note "no hypervisor in a chroot: an appliance comes and goes"
other=other$$
put_package "$other" 1.0
away want "$other"
run_exit 0 away converge "$other" --start-only
away want "$other" --state removed
run_exit 0 away converge "$other"
rm -r "$root/var/lib/waybill/appliances/$other"
run_exit 0 away drop "$other"
run_exit 0 away drop "$other" --purge
equal "$(sqlite3 "$db" "SELECT count(*) FROM instance WHERE name = '$other'")" 0 "rows"

note "without a hypervisor a purge leaves no file, and the next converge no domain"
away want "$name" --state removed
run_exit 0 away drop "$name" --purge
[ ! -e "$dir" ] || fail "files are left"
appliance converge --all
equal "$(of_root)" "" "domains"
equal "$(sqlite3 "$db" "SELECT count(*) FROM instance")" 0 "rows"
equal "$(find "$root/var/lib/waybill" -name '*.qcow2' ! -path '*/appliances/*')" "" "disks"
