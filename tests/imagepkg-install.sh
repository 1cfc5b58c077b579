#!/bin/bash
# An image package under the real dpkg with the real `appliance`, in a private root:
# install, upgrade, remove, purge; and the same when `appliance` has gone already.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_libvirt
need qemu-img

# libvirt's test driver: it forgets its domains when the program ends, and needs no QEMU.
export WAYBILL_LIBVIRT_URI=test:///default SOURCE_DATE_EPOCH=1700000000
name=probe$$
truncate -s 4M disk.raw
for version in 1.0 2.0; do
	echo "version $version" | dd of=disk.raw bs=1 seek=4096 conv=notrunc status=none
	printf 'Data: 4M\nSwap: 4M\nMemory: 32M\n' >config
	imagepkg -q wrap --disk disk.raw --name $name --version $version --config config >/dev/null
done

root=$T/root
state=$root/var/lib/waybill
make_dpkg_root "$root"

# wanted VERSION: what `appliance` knows to be wanted
wanted()
{
	appliance --root "$root" show "$name" >wanted
	contains wanted "$1"
}

base_of()
{
	dpkg-deb -f "${name}_$1_amd64.deb" Image-Base-SHA256
}

note "install"
root_dpkg "$root" -i ${name}_1.0_amd64.deb
equal "$(root_status "$root" $name)" "install ok installed" "status"
wanted 1.0
[ -e "$state/bases/$(base_of 1.0).qcow2" ] || fail "the base is not in the store"
[ -e "$state/instances/$name/data.qcow2" ] || fail "no data disk"
root_dpkg "$root" -V $name

note "upgrade: the old base outlives dpkg's replacing it"
root_dpkg "$root" -i ${name}_2.0_amd64.deb
wanted 2.0
[ -e "$state/bases/$(base_of 2.0).qcow2" ] || fail "the new base is not in the store"
qemu-img check -q "$state/bases/$(base_of 2.0).qcow2"

note "downgrade"
root_dpkg "$root" -i ${name}_1.0_amd64.deb
wanted 1.0

note "remove keeps the data disk, purge takes it"
root_dpkg "$root" -r $name
[ -e "$state/instances/$name/data.qcow2" ] || fail "remove took the data disk"
[ ! -e "$state/instances/$name/system.qcow2" ] || fail "remove left the overlay"
root_dpkg "$root" -P $name
[ ! -e "$state/instances/$name" ] || fail "purge left $(ls "$state/instances/$name")"

note "when appliance has gone: plain rm, the same result"
root_dpkg "$root" -i ${name}_1.0_amd64.deb
mkdir bin
for dir in ${PATH//:/ }; do
	for program in "$dir"/*; do
		case ${program##*/} in
		appliance) ;;
		*) [ -e "bin/${program##*/}" ] || ln -s "$program" bin/ ;;
		esac
	done
done
PATH=$T/bin root_dpkg "$root" -r $name
[ -e "$state/instances/$name/data.qcow2" ] || fail "remove took the data disk"
[ ! -e "$state/instances/$name/system.qcow2" ] || fail "remove left the overlay"
[ -z "$(ls "$state/bases")" ] || fail "remove left bases that nobody uses"
PATH=$T/bin root_dpkg "$root" -P $name
[ ! -e "$state/instances/$name" ] || fail "purge left $(ls "$state/instances/$name")"

note "a hypervisor that does not answer is no reason to fail"
WAYBILL_LIBVIRT_URI="qemu+unix:///system?socket=$T/nobody" \
	root_dpkg "$root" -i ${name}_1.0_amd64.deb 2>err
equal "$(root_status "$root" $name)" "install ok installed" "status without a hypervisor"
WAYBILL_LIBVIRT_URI=test:///default root_dpkg "$root" -P $name

note "scripts refuse what they do not know"
for script in preinst postinst prerm postrm; do
	! DPKG_MAINTSCRIPT_PACKAGE=$name "$WAYBILL_DATADIR/maintscripts/$script" frobnicate 2>err ||
		fail "$script takes anything"
	contains err "unknown argument 'frobnicate'"
done
