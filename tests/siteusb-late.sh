#!/bin/bash
# What the installer does to the system that it has made: its script, in a root with busybox
# alone, on a new system of a few files.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need imagerepo siteusb busybox unshare chroot

make_gnupg operator
ssh-keygen -q -t ed25519 -N '' -C anna@hq -f anna
ssh-keygen -q -t ed25519 -N '' -C hq -f host
imagerepo init --repo repo --key "$KEY_FPR" --list-key "$KEY_FPR" --url http://pkg.example.org/ \
	--server gate@hq.example.org --host-key host.pub >&2
imagerepo --repo repo site add kbh1 >&2
imagerepo --repo repo site bundle kbh1 --enroll -o kbh1.tar >&2
printf 'Admin-Ssh-Keys:\n %s\n' "$(cat anna.pub)" >kbh1.conf
siteusb part --site kbh1 --config kbh1.conf -o part

root=$T/root
mkdir -p "$root"/{bin,dev,proc,tmp,waybill,usr/share/debconf} \
	"$root"/target/{boot,root,media/waybill,var/cache,etc/{network,apt/{sources.list.d,keyrings,apt.conf.d}}}
cp "$(command -v busybox)" "$root/bin/"
busybox --list | while read -r name; do
	[ "$name" = busybox ] || ln -s busybox "$root/bin/$name"
done
cp "$top_srcdir"/preseed/installer/* kbh1.tar part "$root/waybill/"
mv "$root/waybill/kbh1.tar" "$root/waybill/bundle.tar"
# debconf, as far as the script asks it: what the site's part says.
cat >"$root/usr/share/debconf/confmodule" <<-'STUB'
	db_get() { RET=$(sed -n "s#^d-i $1 string ##p" /waybill/part); }
STUB
echo "BOOT_IMAGE=/boot/linux priority=critical waybill.id=0123456789abcdef quiet" \
	>"$root/proc/cmdline"
new=$root/target
cat >"$new/etc/apt/sources.list" <<-LIST
	deb http://mirror.example.org/debian trixie main

	## Waybill
	deb [signed-by=/etc/apt/keyrings/Waybill.gpg] http://pkg.example.org/ stable main
LIST
printf '%s\n' "auto lo" "allow-hotplug eno1.12" "iface eno1.12 inet dhcp" "allow-hotplug eno2" \
	>"$new/etc/network/interfaces"
touch "$new/etc/apt/keyrings/Waybill.gpg" "$new/etc/apt/keyrings/other.gpg" \
	"$new/etc/apt/apt.conf.d/90waybill-installer"

# The new system's initrd was held back before packages came.
mkdir -p "$new/etc/initramfs-tools"
echo update_initramfs=yes >"$new/etc/initramfs-tools/update-initramfs.conf"
printf '#!/bin/sh\necho "$*" >>/tmp/in-target\n' >"$root/bin/in-target"
chmod 755 "$root/bin/in-target"
chroot "$root" /bin/sh /waybill/initrd hold
equal "$(cat "$new/etc/initramfs-tools/update-initramfs.conf")" update_initramfs=no "while it is held"

# What the stick carries is mounted, and must not stay so.
mkdir -p stick/pool
echo package >stick/pool/tiny_1.1_amd64.deb
sha256=$(sha256sum stick/pool/tiny_1.1_amd64.deb | cut -d' ' -f1)
echo "$sha256 pool/tiny_1.1_amd64.deb" >stick/first-sync
cat >in-namespace <<-RUN
	mount --bind "$T/stick" "$new/media/waybill"
	chroot "$root" /bin/sh /waybill/late
	! mountpoint -q "$new/media/waybill"
RUN
unshare --mount sh -e in-namespace

note "the operator's repository, with its own key, and only once"
equal "$(grep -rl pkg.example.org "$new/etc/apt")" "$new/etc/apt/sources.list.d/waybill.sources" \
	"where apt finds it"
contains "$new/etc/apt/sources.list" "deb http://mirror.example.org/debian trixie main"
equal "$(ls "$new/etc/apt/keyrings")" other.gpg "keyrings"
[ ! -e "$new/etc/apt/apt.conf.d/90waybill-installer" ] || fail "the installer's patience stays"
cmp "$new/etc/waybill/trust.d/repository.gpg" "$T/repo/conf/trust/repository.gpg"

note "the token is root's to read"
equal "$(stat -c '%a %u' "$new/etc/waybill/enrolment")" "600 0" "mode and owner"
contains "$new/etc/waybill/enrolment" "Token: wb1-"

note "keys, the mark of this stick, what the first sync finds"
cmp "$new/root/.ssh/authorized_keys" anna.pub
equal "$(stat -c %a "$new/root/.ssh" "$new/root/.ssh/authorized_keys" | xargs)" "700 600" "modes"
[ -e "$new/boot/waybill-installed-0123456789abcdef" ] || fail "no mark"
cmp "$new/var/cache/waybill/archives/$sha256.deb" stick/pool/tiny_1.1_amd64.deb
equal "$(stat -c %a "$new/var/cache/waybill/archives")" 700 "mode of the archives"
[ ! -e "$new/media/waybill" ] || fail "the stick's place stays"

note "its initrd is made again, once"
equal "$(cat "$new/etc/initramfs-tools/update-initramfs.conf")" update_initramfs=yes "afterwards"
equal "$(cat "$root/tmp/in-target")" "update-initramfs -u" "what ran in the new system"

note "a tagged uplink comes up at boot by itself, a card when it is there"
equal "$(grep -e ^a "$new/etc/network/interfaces")" "auto lo
auto eno1.12
allow-hotplug eno2" "interfaces"
