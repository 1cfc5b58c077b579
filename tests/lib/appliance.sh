# shellcheck shell=bash
# What the tests of appliance share; source after lib.sh.

# shellcheck source=tests/lib/tiny.sh
. "$top_srcdir/tests/lib/tiny.sh"

# tiny_altered NAME VERSION [CONF LINE...]: tiny under another name and version; its page
# says the version. Each line replaces the field of its name, "-Data:" takes it away. Files
# below $ALTER, if set, are put on its disk. Prints the package's path. Quick, as tiny_variant is
# not: altered behind imagepkg's back, good for dpkg only.
tiny_altered()
{
	local name=$1 version=$2 tree=$T/variant-$1-$2 files line field raw=$T/variant.raw
	shift 2
	dpkg-deb -R "$(tiny_deb)" "$tree"
	rm "$tree/DEBIAN/md5sums"
	if [ "$name" != tiny ]; then
		find "$tree" -depth -name tiny -execdir mv {} "$name" \;
	fi
	files=$tree/var/lib/waybill/appliances/$name
	qemu-img convert -O raw "$files/disk.qcow2" "$raw"
	echo "$version" >"$T/version"
	{
		echo "rm /etc/version"
		echo "write $T/version /etc/version"
		[ -z "${ALTER:-}" ] || _alterations
	} | debugfs -w -f - "$raw" >"$T/debugfs.log" 2>&1
	chmod u+w "$files/disk.qcow2"
	qemu-img convert -O qcow2 "$raw" "$files/disk.qcow2"
	rm "$raw"
	for line in "Appliance: $name" "Version: $version" "$@" \
		"Base-SHA256: $(sha256sum <"$files/disk.qcow2" | cut -d' ' -f1)"; do
		field=${line%%:*}
		field=${field#-}
		sed -i -e "/^$field:/,/^[^ ]/{/^$field:/d;/^ /d}" "$files/appliance.conf"
		[[ $line == -* ]] || sed -i "1a$line" "$files/appliance.conf"
	done
	sed -i -e "s/^Package: .*/Package: $name/" -e "s/^Version: .*/Version: $version/" \
		"$tree/DEBIAN/control"
	dpkg-deb --root-owner-group -Zgzip -z1 -b "$tree" "$T" >/dev/null
	rm -rf "$tree"
	echo "$T/${name}_${version}_amd64.deb"
}

# _alterations: debugfs's requests for the files below $ALTER
_alterations()
{
	(cd "$ALTER" && find . -mindepth 1 -type d -printf 'mkdir /%P\n') | sort
	(cd "$ALTER" && find . -type f -printf '%m %P\n') | while read -r mode file; do
		echo "rm /$file"
		echo "write $ALTER/$file /$file"
		echo "set_inode_field /$file mode 0100$mode"
	done
}

# page PORT: what the guest's web page says
page()
{
	curl -sf --max-time 3 "http://127.0.0.1:$1/"
}

# page_says PORT TEXT
page_says()
{
	page "$1" | grep -qxF -e "$2"
}

# make_site: a private root in $root for dpkg and appliance; what runs in it ends with the
# test. Guests get 10 s to stop.
make_site()
{
	root=$T/root
	make_dpkg_root "$root"
	mkdir -p "$root/var/lib/waybill/params"
	echo "Stop-Timeout: 10s" >"$root/etc/waybill/appliance.conf"
	at_exit end_site
}

end_site()
{
	local name
	for name in $(appliance --root "$root" list --json 2>/dev/null |
		sed -n 's/^ *"name":"\(.*\)",*/\1/p'); do
		appliance --root "$root" drop "$name" --purge 2>/dev/null
	done
}

# of_root: the domains of this root, running or not
of_root()
{
	virsh -q -c "${WAYBILL_LIBVIRT_URI:-qemu:///system}" list --all --name |
		grep -e "^waybill-$(printf %s "$root" | sha256sum | cut -c1-8)-" || true
}

# state_of NAME: as list shows it
state_of()
{
	appliance --root "$root" list --json | awk -F'"' -v name="$1" '
		$2 == "name" { here = $4 == name }
		here && $2 == "state" { print $4 }'
}

# need_test_driver: domains of libvirt's test driver, which live in libvirtd as long as
# somebody is connected. Nothing runs in them.
need_test_driver()
{
	need_libvirt
	export WAYBILL_LIBVIRT_URI=test+unix:///default
	mkfifo "$T/hold"
	virsh -q -c "$WAYBILL_LIBVIRT_URI" <"$T/hold" >/dev/null 2>&1 &
	track_pid $!
	exec 8>"$T/hold"
}

# put_package NAME VERSION [CONF LINE...]: a version's files in $root as dpkg would leave
# them; nothing that boots.
put_package()
{
	local name=$1 version=$2 dir=$root/var/lib/waybill/appliances/$1 line
	shift 2
	rm -rf "$dir"
	mkdir -p "$dir"
	qemu-img create -q -f qcow2 "$dir/disk.qcow2" 8M
	qemu-io -c "write -P $((${#version} + ${version%%.*})) 0 64k" "$dir/disk.qcow2" >/dev/null
	{
		printf '%s\n' "Format: waybill-appliance 1" "Appliance: $name" \
			"Version: $version" "Architecture: amd64" "Disk: 8M" \
			"Base-SHA256: $(sha256sum <"$dir/disk.qcow2" | cut -d' ' -f1)"
		for line; do
			echo "$line"
		done
	} >"$dir/appliance.conf"
}
