#!/bin/bash
# siteusb: what is on a stick and what is not, who is told what when something is wrong, and
# that writing one spares every other disk. tests/siteusb-boot.sh boots it.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need siteusb imagerepo xorriso mformat grub-mkimage cpio debconf-set-selections jq ssh-keygen
export SOURCE_DATE_EPOCH=1790000000
CACHE=$top_builddir/tests/siteusb-cache

build()
{
	siteusb build --site kbh1 --bundle "$T/kbh1.tar" --config "$T/kbh1.conf" --cache "$CACHE" \
		-o "$@"
}

# field NAME: of what siteusb check --json says about stick.img
field()
{
	siteusb check --json "$T/stick.img" | jq -r --arg name "$1" '.[$name]'
}

make_gnupg operator
ssh-keygen -q -t ed25519 -N '' -C anna@hq -f "$T/anna"
ssh-keygen -q -t ed25519 -N '' -C hq -f "$T/host"
imagerepo init --repo "$T/repo" --key "$KEY_FPR" --list-key "$KEY_FPR" \
	--url http://pkg.example.org/ --server gate@hq.example.org --host-key "$T/host.pub" >&2
for site in kbh1 kbh2; do
	imagerepo --repo "$T/repo" site add $site >&2
	imagerepo --repo "$T/repo" site bundle $site --enroll -o "$T/$site.tar" >&2
done
TOKEN=$(tar -xOf kbh1.tar etc/waybill/enrolment | sed -n 's/^Token: //p')
MADE=$(tar -xOf kbh1.tar etc/waybill/enrolment | sed -n 's/^Not-Before: //p')
cat >kbh1.conf <<-CONF
	Disk: smallest
	Time-Zone: Europe/Copenhagen
	Password-Crypted: \$6\$saltsalt\$hashhashhashhash
	Mirror: http://mirror.example.org/debian
	Security-Mirror: http://mirror.example.org/debian-security
	Proxy: none
	Admin-Ssh-Keys:
	 $(cat anna.pub)
CONF

note "a stick, twice the same"
build stick.img
build again.img
cmp stick.img again.img
equal "$(stat -c %a stick.img)" 600 "mode: it holds a token"
equal "$(field site)" kbh1 "site"
equal "$(field token)" yes "token"
equal "$(field token-made)" "$MADE" "when the token was made"

note "what it is made of"
xorriso -indev stick.img -report_el_torito plain >boot 2>&1
contains boot "El Torito boot img :   1  BIOS"
contains boot "El Torito boot img :   2  UEFI"
equal "$(od -An -tx1 -j 510 -N 2 stick.img)" " 55 aa" "signature of the MBR"
equal "$(od -An -c -j 512 -N 8 stick.img | tr -d ' ')" EFIPART "signature of the GPT"
xorriso -osirrox on -indev stick.img -extract / iso >/dev/null 2>&1
mdir -b -i iso/efi.img ::/EFI/BOOT | grep -q BOOTX64.EFI || fail "no UEFI loader"
mkdir seed
zcat iso/boot/waybill.gz | (cd seed && cpio -idm --quiet)
cmp seed/waybill/bundle.tar kbh1.tar
id=$(sha256sum iso/boot/waybill.gz | cut -c1-16)
[ -e "iso/boot/waybill-$id" ] || fail "no mark by which the loader finds it"
equal "$(field id)" "$id" "id"

note "what the seed says"
contains seed/preseed.cfg "d-i waybill/disk string smallest"
contains seed/preseed.cfg "d-i time/zone string Europe/Copenhagen"
contains seed/preseed.cfg "d-i apt-setup/local0/repository string http://pkg.example.org/ stable main"
sed -n 's#^d-i apt-setup/local0/key string base64://##p' seed/preseed.cfg | base64 -d >key.gpg
gpg --batch --show-keys --with-colons key.gpg | grep -q "$KEY_FPR" || fail "not the operator's key"
sed -n 's#^d-i waybill/authorized-keys string ##p' seed/preseed.cfg | base64 -d >keys
cmp keys anna.pub
equal "$(tar -xOf seed/waybill/bundle.tar etc/waybill/ssh/known_hosts | cut -d' ' -f3)" \
	"$(cut -d' ' -f2 host.pub)" "the pinned host key"

note "and what not"
! grep -rE 'allow_unauthenticated|password password|key string (http|ftp)|preseed/url' seed ||
	fail "a weak point of old"
! grep -raE 'PRIVATE KEY' seed iso/boot/grub || fail "a private key"
# The token is the one secret on it, and lies in the bundle only.
equal "$(grep -rlaF "$TOKEN" seed)" seed/waybill/bundle.tar "where the token is"
lacks iso/boot/grub/grub.cfg "$TOKEN"

note "a site's file that is wrong: no image, and a message that says what to mend"
wrong()
{
	local message=$1
	shift
	printf '%s\n' "$@" >wrong.conf
	run_exit 1 siteusb build --site kbh1 --bundle kbh1.tar --config wrong.conf -o wrong.img
	contains err "$message"
	run_exit 1 siteusb check --config wrong.conf
	contains err "$message"
	[ ! -e wrong.img ] || fail "an image nevertheless"
}
wrong "no plaintext password" "Password: secret"
wrong "run mkpasswd" "Password-Crypted: secret"
wrong "is none of only, smallest, largest" "Disk: sda"
wrong "Raid: 1 needs two disks" "Disk: largest" "Raid: 1"
wrong "Address: is missing" "Network: static"
wrong "not in the network" "Network: static" "Address: 192.0.2.10/24" "Dns: 192.0.2.1" \
	"Gateway: 198.51.100.1"
wrong "Vlan: needs Interface" "Vlan: 12"
wrong "is no time zone" "Time-Zone: Copenhagen"
wrong "is a private key" "Admin-Ssh-Keys:" " -----BEGIN OPENSSH PRIVATE KEY-----"
wrong "is none of kvm, xen, none" "Hypervisor: vmware"
wrong "can only use http://HOST/debian-security" "Mirror: http://mirror.example.org/debian" \
	"Security-Mirror: http://mirror.example.org/elsewhere"
wrong "Dsik" "Dsik: only"

note "a bundle that is wrong"
run_exit 1 siteusb build --site kbh1 --bundle kbh2.tar -o wrong.img
contains err "that of site kbh2, not of kbh1"
run_exit 1 siteusb build --generic --bundle kbh1.tar -o wrong.img
contains err "generic stick needs"
run_exit 1 siteusb build --site kbh1 --bundle kbh1.conf -o wrong.img
contains err "no bundle"
mkdir -p tree/etc/waybill/ssh
cp anna tree/etc/waybill/ssh/id_ed25519
cp kbh1.tar secret.tar
tar --append -f secret.tar -C tree etc/waybill/ssh/id_ed25519
run_exit 1 siteusb build --site kbh1 --bundle secret.tar -o wrong.img
contains err "a stick gets lost"
build=(siteusb build --cache "$CACHE" --site kbh1 --config kbh1.conf)
run_exit 2 "${build[@]}" -o wrong.img
contains err "--bundle FILE"
run_exit 2 "${build[@]}" --bundle kbh1.tar
contains err "-o stick.img"
run_exit 2 "${build[@]}" --bundle kbh1.tar --kernel-args "a;b" -o wrong.img
run_exit 2 "${build[@]}" --bundle kbh1.tar -o /dev/null
contains err "siteusb write"
run_exit 2 siteusb check
run_exit 2 siteusb check --config kbh1.conf stick.img
mkdir -p extra/lib/modules
run_exit 1 "${build[@]}" --bundle kbh1.tar --extra extra -o wrong.img
contains err "put it into usr/lib"
[ ! -e wrong.img ] || fail "an image nevertheless"

note "a template that is weak or broken"
cp -r "$top_srcdir/preseed" weak
echo "d-i debian-installer/allow_unauthenticated boolean true" >>weak/preseed.cfg
run_exit 3 env WAYBILL_PRESEED_DIR="$T/weak" "${build[@]}" --bundle kbh1.tar -o wrong.img
contains err "packages that nobody has signed"
cp "$top_srcdir/preseed/preseed.cfg" weak/
echo "d-i one-word-only" >>weak/preseed.cfg
run_exit 1 env WAYBILL_PRESEED_DIR="$T/weak" "${build[@]}" --bundle kbh1.tar -o wrong.img
contains err "debconf does not take"

note "a damaged image"
head -c 1000000 stick.img >cut.img
run_exit 1 siteusb check cut.img
contains err "cut.img"
run_exit 1 siteusb check kbh1.tar
contains err "no image that siteusb has made"

note "a generic stick, and a site's part for it"
imagerepo --repo repo site bundle --generic --batch 3 -o generic.tar >&2
run_exit 1 siteusb build --site kbh1 --bundle generic.tar -o wrong.img
contains err "that of a generic stick, not of kbh1"
run_exit 0 siteusb build --generic --bundle generic.tar --config kbh1.conf --cache "$CACHE" \
	-o generic.img
siteusb check --json generic.img >out
equal "$(jq -r .token out)" yes "token of a generic stick"
equal "$(jq -r .site out)" any "site of a generic stick"
xorriso -osirrox on -indev generic.img -extract /boot/waybill.gz generic.gz >/dev/null 2>&1
zcat generic.gz | cpio -i --quiet --to-stdout preseed.cfg >generic.cfg
lacks generic.cfg hashhashhashhash
lacks generic.cfg waybill/disk
siteusb part --site kbh1 --config kbh1.conf -o part
contains part "d-i waybill/hostname string kbh1"
contains part "d-i waybill/disk string smallest"
contains part 'd-i passwd/root-password-crypted password $6$saltsalt$hashhashhashhash'
lacks part mirror.example.org
debconf-set-selections --checkonly part
run_exit 2 siteusb part --site "Kbh 1"

note "packages on the stick: a part of the repository that apt believes"
for package in "waybill-site 1" "waybill-hostconfig 1" "tiny 1.0" "tiny 1.1" "other 1"; do
	read -r name version <<<"$package"
	make_deb debs "$name" "$version" >/dev/null
done
imagerepo --repo repo add debs/*.deb >&2
run_exit 1 "${build[@]}" --bundle kbh1.tar --with-packages repo/public --appliance nope -o wrong.img
contains err "has no package nope"
run_exit 2 "${build[@]}" --bundle kbh1.tar --appliance tiny -o wrong.img
contains err "needs --with-packages"
siteusb build --site kbh1 --repo repo --config kbh1.conf --cache "$CACHE" -o repo.img
siteusb check --json repo.img >out
equal "$(jq -r .token out)" yes "token of a stick straight from the repository"
build full.img --with-packages repo/public --appliance tiny
xorriso -osirrox on -indev full.img -extract /boot/waybill.gz full.gz >/dev/null 2>&1
zcat full.gz | cpio -i --quiet --to-stdout preseed.cfg >full.cfg
contains full.cfg "d-i apt-setup/local0/repository string file:/media/waybill stable main"
contains full.cfg "d-i apt-setup/local1/repository string http://pkg.example.org/ stable main"
mcopy -s -Q -i "full.img@@$(($(partx -g -o START -n 4 full.img) * 512))" ::/ on-stick
[ -z "$(find on-stick -name 'other*.deb' -o -name 'tiny_1.0*.deb')" ] || fail "more than was asked for"
tiny=$(find on-stick -name 'tiny_1.1*.deb')
equal "$(cat on-stick/first-sync)" "$(sha256sum "$tiny" | cut -d' ' -f1) ${tiny#on-stick/}" \
	"what the first sync finds"
mkdir got
private_apt "deb [signed-by=$T/key.gpg] file:$T/on-stick stable main"
echo 'Acquire::Check-Date "false";' >>apt.conf
apt-get -qq update
for name in waybill-site waybill-hostconfig tiny; do
	(cd got && apt-get -qq download "$name")
done
cmp got/tiny_1.1_*.deb "$tiny"
unset APT_CONFIG

note "writing it: nothing but a disk that may lose what is on it"
echo precious >file
for target in file "$T" /dev/null; do
	run_exit 3 siteusb write stick.img "$target" --yes --force
	contains err "is no disk"
done
equal "$(cat file)" precious "a file"
run_exit 1 siteusb write stick.img /dev/no-such-disk --yes
run_exit 1 siteusb write kbh1.tar /dev/null --yes
contains err "no image that siteusb has made"
[ "$(id -u)" = 0 ] && losetup -f >/dev/null 2>&1 || { note "no loop device: the rest is skipped"; exit 0; }

# loop SIZE [OPTION...]: sets DISK, a disk of that size with something on it; it does not call
# itself removable
loop()
{
	local size=$1
	shift
	rm -f disk
	echo precious >disk
	truncate -s "$size" disk
	DISK=$(losetup -f --show "$@" disk)
	at_exit "losetup -d $DISK 2>/dev/null"
}
loop 102400000
run_exit 3 siteusb write stick.img "$DISK" --yes
contains err "no removable disk"
run_exit 2 siteusb write stick.img "$DISK" --force
contains err "--yes"
script -qec "siteusb write stick.img $DISK --force" /dev/null >out <<<no || true
contains out "loses all that is on it"
contains out "the answer was not yes"
equal "$(head -c 8 disk)" precious "the disk so far"
run_exit 0 siteusb write stick.img "$DISK" --force --yes
cmp -n "$(stat -c %s stick.img)" stick.img disk
script -qec "siteusb write stick.img $DISK --force" /dev/null >out <<<yes
contains out "read back and compared"
losetup -d "$DISK"
loop 1024000
run_exit 3 siteusb write stick.img "$DISK" --force --yes
contains err "the image"
losetup -d "$DISK"
loop 102400000 --read-only
run_exit 3 siteusb write stick.img "$DISK" --force --yes
contains err "write-protected"
losetup -d "$DISK"
loop 102400000
mkfs.ext2 -q "$DISK"
mkdir mounted
mount "$DISK" mounted
at_exit "umount $T/mounted 2>/dev/null"
run_exit 3 siteusb write stick.img "$DISK" --force --yes
contains err "in use"
umount mounted
