#!/bin/bash
# The odd ways that dpkg takes with an image package, with the real dpkg on a private root and
# the real `appliance` on libvirt's test driver: whatever fails or comes at a bad time, one
# domain runs what dpkg says is installed, or none, and the data disk has what was on it.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_test_driver
need qemu-img qemu-io sqlite3
export SOURCE_DATE_EPOCH=1700000000
make_site
name=path$$
state=$root/var/lib/waybill
dir=$state/instances/$name

# make_package NAME VERSION [CONFIG LINE...]: $T/NAME_VERSION_amd64.deb
make_package()
{
	local package=$1 version=$2
	shift 2
	truncate -s 4M disk.raw
	echo "$package $version" | dd of=disk.raw bs=1 seek=4096 conv=notrunc status=none
	printf '%s\n' "Data: 4M" "Swap: 4M" "Memory: 32M" "$@" >config
	imagepkg -q wrap --disk disk.raw --name "$package" --version "$version" \
		--config config >/dev/null
}

# failing_preinst VERSION: the package, but its preinst fails when its work is done
failing_preinst()
{
	dpkg-deb -R "${name}_$1_amd64.deb" tree
	echo 'echo "no disk space, say" >&2; exit 1' >>tree/DEBIAN/preinst
	dpkg-deb --root-owner-group -Zgzip -z1 -b tree bad.deb >/dev/null
	rm -rf tree
}

# cut_data VERSION: the package, but its data.tar breaks off after the disk has begun
cut_data()
{
	dpkg-deb --fsys-tarfile "${name}_$1_amd64.deb" >data.tar
	truncate -s $(($(stat -c %s data.tar) * 2 / 3)) data.tar
	gzip -1 <data.tar >data.tar.gz
	cp "${name}_$1_amd64.deb" bad.deb
	ar d bad.deb data.tar.zst
	ar q bad.deb data.tar.gz
	rm data.tar data.tar.gz
}

install_package()
{
	root_dpkg "$root" -i "$@" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i $*"; }
}

# bad_install HOW VERSION: dpkg must refuse the package that HOW makes, for that reason
bad_install()
{
	$1 "$2"
	run_exit 1 root_dpkg "$root" -i bad.deb
	case $1 in
	failing_preinst) contains err "no disk space, say" ;;
	cut_data) contains err "unexpected end of file" ;;
	esac
}

column()
{
	sqlite3 "$state/state.db" "SELECT coalesce($1, 'NULL') FROM instance WHERE name = '$name'"
}

# runs VERSION: dpkg is content with it, it runs, alone, at rest
runs()
{
	# shellcheck disable=SC2016 # dpkg's own ${}
	equal "$(dpkg-query --admindir="$state/../dpkg" -W -f '${Status} ${Version}' "$name")" \
		"install ok installed $1" "what dpkg says"
	equal "$(state_of "$name")" running "state"
	equal "$(column actual_version)" "$1" "version that runs"
	equal "$(column step)" NULL "step at rest"
	equal "$(column trial)" NULL "trial at rest"
	equal "$(of_root | wc -l)" 1 "domains"
	root_dpkg "$root" -V "$name"
	has_data
}

mark_data()
{
	qemu-io -c "write -P 7 64k 4k" "$dir/data.qcow2" >/dev/null
}

# has_data: what was written on the data disk is there
has_data()
{
	qemu-io -r -c "read -P 7 64k 4k" "$dir/data.qcow2" >data.log 2>&1 ||
		fail "the data disk: $(cat data.log)"
	lacks data.log "verification failed"
}

# is_gone: no domain, and nothing of it but the data disk if $1 is "data"
is_gone()
{
	equal "$(of_root)" "" "domains"
	equal "$(find "$state" -path "*/bases/*" -type f)" "" "bases"
	[ ! -e "$state/appliances/$name" ] || fail "left: $(ls "$state/appliances/$name")"
	[ ! -e "$state/versions/$name" ] || fail "left: versions/$name"
	if [ "${1:-}" = data ]; then
		equal "$(ls "$dir")" data.qcow2 "what remove leaves"
		has_data
	else
		[ ! -e "$dir" ] || fail "left: $(ls "$dir")"
	fi
}

for version in 1.0 2.0; do
	make_package "$name" $version
done

note "abort-install: nothing is left"
for bad in failing_preinst cut_data; do
	bad_install $bad 1.0
	equal "$(root_status "$root" "$name")" "install ok not-installed" "status after $bad"
	is_gone
done

note "install, and reinstall: the VM runs on"
install_package "${name}_1.0_amd64.deb"
mark_data
runs 1.0
overlay=$(stat -c '%i %Y' "$dir/system.qcow2")
install_package "${name}_1.0_amd64.deb"
runs 1.0
equal "$(stat -c '%i %Y' "$dir/system.qcow2")" "$overlay" "overlay after a reinstall"

note "abort-upgrade: the old one runs on, on the same overlay"
for bad in failing_preinst cut_data; do
	bad_install $bad 2.0
	runs 1.0
	equal "$(stat -c '%i %Y' "$dir/system.qcow2")" "$overlay" "overlay after $bad"
	appliance --root "$root" converge --all
	runs 1.0
done

note "upgrade after that; abort of a downgrade; downgrade"
install_package "${name}_2.0_amd64.deb"
runs 2.0
bad_install failing_preinst 1.0
runs 2.0
install_package "${name}_1.0_amd64.deb"
runs 1.0

note "unpacked only, then an upgrade over it: dpkg's half state is no state of ours"
root_dpkg "$root" --unpack "${name}_2.0_amd64.deb" >dpkg.log 2>&1
equal "$(root_status "$root" "$name")" "install ok unpacked" "status"
equal "$(column actual_version)" 1.0 "what runs while 2.0 is unpacked"
appliance --root "$root" converge --all
equal "$(column actual_version)" 1.0 "what runs after a converge"
install_package "${name}_1.0_amd64.deb"
runs 1.0

note "remove, and an install that fails after it: the data disk stays"
root_dpkg "$root" -r "$name" >dpkg.log 2>&1
is_gone data
for bad in failing_preinst cut_data; do
	bad_install $bad 2.0
	equal "$(root_status "$root" "$name")" "install ok config-files" "status after $bad"
	is_gone data
done
install_package "${name}_2.0_amd64.deb"
runs 2.0

note "purge while paused"
appliance --root "$root" pause "$name"
equal "$(state_of "$name")" paused "state"
root_dpkg "$root" -P "$name" >dpkg.log 2>&1
equal "$(root_status "$root" "$name")" "" "status after purge"
is_gone

note "remove while it starts: its gate is open, and a converge waits at it"
make_package "$name" 3.0 "Network: user" "Ports: $(free_port):80" "Health: tcp:80 deadline=600s"
install_package "${name}_3.0_amd64.deb"
mark_data
equal "$(column trial)" gate "trial after the install"
appliance --root "$root" converge "$name" >converge.log 2>&1 &
waiting=$!
track_pid $waiting
runs_still() { grep -q "$name" /proc/$waiting/cmdline; }
wait_for 10 "the converge runs" runs_still
root_dpkg "$root" -r "$name" >dpkg.log 2>&1
equal "$(root_status "$root" "$name")" "deinstall ok config-files" "status"
is_gone data
gone() { ! kill -0 $waiting 2>/dev/null; }
wait_for 30 "the waiting converge ends" gone
is_gone data
root_dpkg "$root" -P "$name" >dpkg.log 2>&1
is_gone

note "two in one run of dpkg, one of them sick: the other does not suffer, and it goes back"
sick=sick$$
make_package $sick 1.0
make_package $sick 2.0 "Network: user" "Ports: $(free_port):80" "Health: tcp:80 deadline=1s"
install_package "${name}_1.0_amd64.deb" "${sick}_1.0_amd64.deb"
install_package "${sick}_2.0_amd64.deb" "${name}_2.0_amd64.deb"
appliance --root "$root" converge --all >converge.log 2>&1 || true
version_of()
{
	sqlite3 "$state/state.db" "SELECT actual_version FROM instance WHERE name = '$1'"
}
equal "$(version_of "$name")" 2.0 "version of the healthy one"
equal "$(version_of $sick)" 1.0 "version of the sick one"
equal "$(root_status "$root" $sick)" "install ok installed" "what dpkg says of the sick one"
equal "$(of_root | wc -l)" 2 "domains"
root_dpkg "$root" -P "$name" $sick >dpkg.log 2>&1
is_gone
