#!/bin/bash
# siteusb build --offline: what is on the stick is all that the installer asks for, and its own
# script serves it where there is no network; what is missing, damaged or too large makes no
# stick. Debian is an archive of empty packages that this test signs; check-install has the real one.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need siteusb imagerepo busybox cpio debootstrap dpkg-scanpackages gpg jq mcopy partx unshare \
	xorriso xz
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $KEYRING ] || skip "no $KEYRING"
KERNEL=6.12.1-amd64

# --- an archive -------------------------------------------------------------

# put ARCHIVE/pool/DIR NAME VERSION [FIELD...]: a package
put()
{
	make_deb "archive/$1" "${@:2}" >/dev/null
}

# put_udeb NAME [FIELD...]: a component of the installer
put_udeb()
{
	mv "$(make_deb archive/debian/pool/udebs "$1" 1 "${@:2}")" \
		"archive/debian/pool/udebs/${1}_1_amd64.udeb"
}

# put_netboot: Debian's package of the installer; its initrd has the component anna
put_netboot()
{
	local tree=$T/netboot
	local images=$tree/usr/lib/debian-installer/images/13/amd64/text/debian-installer/amd64
	mkdir -p "$tree/DEBIAN" "$images" initrd/var/lib/dpkg
	printf 'Package: %s\nStatus: install ok unpacked\n\n' anna "kernel-image-$KERNEL-di" \
		>initrd/var/lib/dpkg/status
	(cd initrd && find . -mindepth 1 | sed 's,^\./,,' | cpio -o --quiet -H newc | gzip) \
		>"$images/initrd.gz"
	echo linux >"$images/linux"
	printf '%s\n' "Package: debian-installer-13-netboot-amd64" "Version: 1" "Architecture: all" \
		"Maintainer: Waybill tests <tests@waybill.test>" "Description: a test package" \
		>"$tree/DEBIAN/control"
	dpkg-deb --root-owner-group -Zgzip -b "$tree" archive/debian/pool/main >/dev/null
}

# index ARCHIVE SUITE COMPONENT DIR deb|udeb: its Packages, of what lies in this directory
index()
{
	local dir=archive/$1/dists/$2/$3/binary-amd64
	mkdir -p "$dir" "archive/$1/$4"
	(cd "archive/$1" && dpkg-scanpackages -m -t "$5" "$4") >"$dir/Packages" 2>/dev/null
	xz -k -f "$dir/Packages"
	printf 'Archive: stable\nArchitecture: amd64\n' >"$dir/Release"
}

# sign ARCHIVE SUITE VALID-UNTIL
sign()
{
	(
		cd "archive/$1/dists/$2"
		rm -f InRelease Release.gpg
		{
			printf '%s\n' "Origin: Debian" "Label: Debian" "Suite: ${2/trixie/stable}" \
				"Codename: $2" \
				"Date: $(date -u -R -d "30 days ago" | sed 's/+0000/UTC/')" \
				"Valid-Until: $(date -u -R -d "$3" | sed 's/+0000/UTC/')" \
				"Architectures: amd64" "Components: main non-free-firmware" \
				"No-Support-for-Architecture-all: Packages" "SHA256:"
			find . -name 'Packages*' -o -path '*/binary-amd64/Release' | sort | while read -r file; do
				echo " $(sha256sum "$file" | cut -d' ' -f1) $(stat -c %s "$file") ${file#./}"
			done
		} >Release
		gpg --batch --quiet -u archive --clearsign -o InRelease Release
		gpg --batch --quiet -u archive --detach-sign -o Release.gpg Release
	)
}

# sign_all SECURITY-VALID-UNTIL
sign_all()
{
	sign debian trixie "1 year"
	sign debian trixie-updates "1 year"
	sign debian-security trixie-security "$1"
}

make_archive()
{
	local name
	put debian/pool/main base-files 1 "Priority: required" "Essential: yes"
	put debian/pool/main libc6 1 "Priority: required"
	put debian/pool/main apt 1 "Priority: important" "Depends: libc6, libapt (>= 1)"
	put debian/pool/main libapt 1
	put debian/pool/main libssl 1
	put debian/pool/main vim 1
	put debian/pool/main broken 1 "Depends: nowhere (>= 2)"
	put debian/pool/main mdadm 1
	put debian/pool/main linux-image-6.12 1 "Depends: initramfs-tools"
	put debian/pool/main linux-image-amd64 1 "Depends: linux-image-6.12 (= 1)"
	put debian/pool/main grub-pc 1 "Conflicts: grub-efi-amd64"
	put debian/pool/main grub-efi-amd64 1 "Conflicts: grub-pc" "Depends: efibootmgr"
	put debian/pool/main openssh-server 1 "Depends: libssl (>= 1)" "Recommends: vim"
	for name in efibootmgr shim-signed ca-certificates initramfs-tools busybox zstd locales \
		console-setup keyboard-configuration dosfstools e2fsprogs pciutils usbutils eject \
		laptop-detect installation-report popularity-contest os-prober grub-common udev \
		qemu-guest-agent libvirt-daemon-system; do
		put debian/pool/main $name 1
	done
	put debian/pool/firmware intel-microcode 1
	put debian/pool/firmware amd64-microcode 1
	put debian-security/pool/main libc6 2 "Priority: required"
	put debian-security/pool/main linux-image-6.12 2 "Depends: initramfs-tools"
	put debian-security/pool/main linux-image-amd64 2 "Depends: linux-image-6.12 (= 2)"
	put debian-security/pool/main openssh-server 2 "Depends: libssl (>= 2), libc6 (>= 2)"
	put debian-security/pool/main libssl 2
	mkdir -p tree/busybox-static/{DEBIAN,usr/bin}
	cp "$(command -v busybox)" tree/busybox-static/usr/bin/busybox
	printf '%s\n' "Package: busybox-static" "Version: 1" "Architecture: amd64" \
		"Maintainer: Waybill tests <tests@waybill.test>" "Description: a test package" \
		>tree/busybox-static/DEBIAN/control
	dpkg-deb --root-owner-group -Zgzip -b tree/busybox-static archive/debian/pool/main >/dev/null
	put_netboot
	put_udeb anna "Priority: standard"
	put_udeb partman-base "Priority: standard" "Depends: disks"
	put_udeb disk-detect "Priority: optional" "Provides: disks"
	put_udeb fonts-udeb "Priority: optional"
	put_udeb "scsi-modules-$KERNEL-di" "Priority: standard" "Kernel-Version: $KERNEL"
	put_udeb scsi-modules-6.11-di "Priority: standard" "Kernel-Version: 6.11"
}

index_all()
{
	index debian trixie main pool/main deb
	index debian trixie non-free-firmware pool/firmware deb
	index debian trixie main/debian-installer pool/udebs udeb
	index debian trixie-updates main pool/updates deb
	index debian-security trixie-security main pool/main deb
}

# --- the operator -----------------------------------------------------------

# This machine's apt has that archive, and nothing of its own configuration: no proxy.
make_apt()
{
	local line="deb [signed-by=$T/archive.gpg] http://127.0.0.1:$PORT"
	private_apt "$line/debian trixie main" "$line/debian trixie-updates main" \
		"$line/debian-security trixie-security main"
	apt-get -qq update
}

serve()
{
	busybox httpd -f -p "127.0.0.1:$PORT" -h "$T/archive" </dev/null >/dev/null 2>&1 &
	SERVER=$!
	track_pid $SERVER
	wait_for 30 "the archive is served" listens "$PORT"
}

# build [OPTION...]: a stick, by a machine that trusts this archive as Debian
build()
{
	unshare --mount sh -c 'mount --bind "$0" "$1"; shift; exec "$@"' "$T/archive.gpg" $KEYRING \
		siteusb build --site kbh1 --bundle kbh1.tar --config kbh1.conf --cache cache \
		--with-packages repo/public --offline -o "${OUT:-stick.img}" "$@"
}

# refused EXIT MESSAGE [OPTION...]: no stick, and why
refused()
{
	rm -f wrong.img
	OUT=wrong.img run_exit "$1" build "${@:3}"
	contains err "$2"
	[ ! -e wrong.img ] || fail "an image nevertheless"
}

make_gnupg operator
ssh-keygen -q -t ed25519 -N '' -C hq -f host
imagerepo init --repo repo --key "$KEY_FPR" --list-key "$KEY_FPR" --url http://pkg.example.org/ \
	--server gate@hq.example.org --host-key host.pub >&2
imagerepo --repo repo site add kbh1 >&2
imagerepo --repo repo site bundle kbh1 --enroll -o kbh1.tar >&2
for name in waybill-site waybill-hostconfig; do
	make_deb debs $name 1 "Depends: libvirt-daemon-system" >/dev/null
done
imagerepo --repo repo add debs/*.deb >&2
cat >kbh1.conf <<-CONF
	Mirror: https://mirror.example.org/debian
	Security-Mirror: http://security.example.org/debian-security
	Proxy: http://proxy.example.org:3128
	Domain: example.org
CONF
gpg --batch --quiet --passphrase '' --quick-generate-key "archive <archive@waybill.test>" \
	ed25519 sign never 2>>gnupg.log
gpg --batch --export archive@waybill.test >archive.gpg
make_archive
index_all
sign_all "1 year"
PORT=$(free_port)
serve
make_apt

note "usage"
run_exit 2 siteusb build --site kbh1 --bundle kbh1.tar --offline -o wrong.img
contains err "--offline needs --with-packages"
run_exit 2 siteusb build --generic --bundle kbh1.tar --with-packages repo/public --offline \
	-o wrong.img
contains err "--offline is for one site"

note "a stick"
build 2>&1 | tee said >&2
contains said "files of Debian on the stick"
equal "$(siteusb check --json stick.img | jq -r .offline)" yes "what check says"
mcopy -s -Q -i "stick.img@@$(($(partx -g -o START -n 4 stick.img) * 512))" ::/ on-stick
(cd on-stick && find debian* -name '*deb' -printf '%f\n' | sort) >found

# What is there twice is the base system's, and what another package wants newer.
equal "$(grep -c ^libc6_ found)" 2 "versions of libc6"
contains found libssl_2_
lacks found libssl_1_
for name in linux-image-6.12_1 linux-image-amd64_1 grub-pc grub-efi-amd64 efibootmgr shim-signed libapt openssh-server_2 \
	amd64-microcode disk-detect partman-base "scsi-modules-$KERNEL-di"; do
	contains found "$name"
done
for name in linux-image-6.12_2 vim mdadm anna fonts-udeb scsi-modules-6.11 netboot waybill; do
	lacks found $name
done
cmp archive/debian/dists/trixie/Release on-stick/debian/dists/stable/Release
for file in debian/dists/trixie/{InRelease,Release,Release.gpg,main/binary-amd64/Release} \
	debian-security/dists/trixie-security/InRelease; do
	cmp "archive/$file" "on-stick/$file"
done

note "the same again where the mirror is gone"
stop_pid $SERVER
SERVER=
OUT=again.img build 2>said
contains said "the mirror has nothing new"
contains said "files of Debian on the stick"
rm again.img
serve

note "it is all that an installer asks for, without a network"
root=$T/root
mkdir -p "$root"/{bin,dev,etc,proc,tmp,on-stick,usr/share/debconf,target/etc/apt,target/var/lib/apt/lists}
xorriso -osirrox on -indev stick.img -extract /boot/waybill.gz seed.gz >/dev/null 2>&1
zcat seed.gz | (cd "$root" && cpio -idm --quiet)
cp "$(command -v busybox)" "$root/bin/"
busybox --list | while read -r name; do
	[ "$name" = busybox ] || ln -s busybox "$root/bin/$name"
done
echo ':' >"$root/usr/share/debconf/confmodule"
# The installer's programs, as far as the script needs a device.
rm -f "$root"/bin/{blkid,mount,logger}
printf '#!/bin/sh\n[ "$5" != /dev/vda4 ] || echo WAYBILLPKG\n' >"$root/bin/blkid"
printf '#!/bin/sh\nexec busybox mount --bind /on-stick "$6"\n' >"$root/bin/mount"
printf '#!/bin/sh\necho "$*" >>/tmp/log\n' >"$root/bin/logger"
printf '#!/bin/sh\n' >"$root/bin/db_x_loadtemplatefile"
chmod 755 "$root"/bin/{blkid,mount,logger,db_x_loadtemplatefile}
: >"$root/dev/vda4"
# Debian's security suite calls itself outdated by now: the stick has lain about.
sign_all "1 day ago"
cp archive/debian-security/dists/trixie-security/InRelease \
	on-stick/debian-security/dists/trixie-security/
cat >target.list <<-LIST
	deb [signed-by=$T/archive.gpg] http://127.0.0.1/debian trixie main non-free-firmware
	deb [signed-by=$T/archive.gpg] http://127.0.0.1/debian trixie-updates main non-free-firmware
	deb [signed-by=$T/archive.gpg] http://127.0.0.1/debian-security trixie-security main non-free-firmware
	deb [signed-by=$T/operator.gpg] file:$T/on-stick stable main
LIST
preseed=$root/preseed.cfg
cat >in-namespace <<RUN
set -e
mount --bind $T/on-stick $root/on-stick
chroot $root /bin/sh /waybill/early
mkdir -p $root/target/etc/apt/apt.conf.d
chroot $root /usr/lib/base-installer.d/50waybill-offline
hostname >$T/hostname
debootstrap --download-only --resolve-deps --arch amd64 --keyring $T/archive.gpg \
	trixie $T/base http://127.0.0.1/debian >&2
mkdir -p $T/target/state/lists/partial $T/target/cache/archives/partial
sed "s,$T/apt/\([sc]\),$T/target/\1,; s,$T/target/status,$T/apt/status," $T/apt.conf >$T/target.conf
echo 'Dir::Etc::sourcelist "$T/target.list";' >>$T/target.conf
export APT_CONFIG=$T/target.conf
! apt-get -q update 2>$T/expired || exit 1
cat $root/target/etc/apt/apt.conf.d/90waybill-installer >>$T/target.conf
apt-get -qq update
for loader in grub-pc grub-efi-amd64; do
	apt-get -qq -y -d --no-install-recommends install \$loader \
		$(sed -n 's/^d-i pkgsel.include string //p' "$preseed") >&2
done
head -n 1 $T/target.list >$T/release.list
apt-get -qq -y -d --no-install-recommends -o Dir::Etc::sourcelist=$T/release.list install \
	$(sed -n 's/^d-i base-installer.kernel.image string //p' "$preseed") >&2
chroot $root /usr/lib/finish-install.d/93waybill
RUN
unshare --mount --net --uts --pid --fork --mount-proc sh in-namespace
contains expired "is expired"
contains "$root/tmp/log" "packages from the stick: /dev/vda4"
contains "$preseed" "d-i mirror/http/hostname string 127.0.0.1"
contains "$preseed" "d-i netcfg/enable boolean false"
lacks "$preseed" example.org:3128
lacks "$preseed" local1
ls base/var/cache/apt/archives >based
for name in base-files libc6 apt libapt; do
	contains based "${name}_1_"
done

note "and what the new system gets to know"
equal "$(cat hostname)" kbh1 "hostname"
equal "$(cat "$root/target/etc/hostname")" kbh1 "its file"
contains "$root/target/etc/hosts" "kbh1.example.org kbh1"
contains "$root/target/etc/network/interfaces" "iface wired inet dhcp"
contains "$root/target/etc/apt/sources.list" \
	"deb https://mirror.example.org/debian trixie main non-free-firmware"
contains "$root/target/etc/apt/apt.conf" 'Acquire::https::Proxy "http://proxy.example.org:3128";'
contains "$root/target/etc/systemd/system/networking.service.d/waybill.conf" udev-settle
sign_all "1 year"

note "what is damaged in the cache is fetched again"
victim=cache/offline/debian/pool/main/grub-pc_1_amd64.deb
echo damaged >$victim
build
cmp $victim archive/debian/pool/main/grub-pc_1_amd64.deb

note "what the archive damages, lacks or cannot install makes no stick"
rm -rf cache/offline/debian/pool
cp archive/debian/pool/main/vim_1_amd64.deb archive/debian/pool/main/grub-pc_1_amd64.deb
refused 1 "/pool/main/grub-pc_1_amd64.deb (not there, or not as it was signed)"
rm archive/debian/pool/main/grub-pc_1_amd64.deb
refused 1 "/pool/main/grub-pc_1_amd64.deb (not there, or not as it was signed)"
contains err "404"
put debian/pool/main grub-pc 1 "Conflicts: grub-efi-amd64"
index_all
sign_all "1 year"
build
echo "Packages: no-such-package" >>kbh1.conf
refused 1 "Unable to locate package no-such-package"
sed -i '/^Packages/d' kbh1.conf
cp archive/debian/dists/trixie/Release.gpg kept.gpg
cp archive/debian/dists/trixie-updates/Release.gpg archive/debian/dists/trixie/
rm cache/offline/trixie-Release.gpg
refused 3 "does not fit InRelease"
cp kept.gpg archive/debian/dists/trixie/Release.gpg

note "a mirror that has no security updates, or an installer of another kernel"
cp apt/sources.list all.list
sed -i '/security/d' apt/sources.list
apt-get -qq update
refused 1 "does not know a mirror of trixie-security"
cp all.list apt/sources.list
apt-get -qq update
rm "archive/debian/pool/udebs/scsi-modules-$KERNEL-di_1_amd64.udeb"
index_all
sign_all "1 year"
refused 1 "no components for the installer's kernel $KERNEL"

note "a package that cannot be installed"
put_udeb "scsi-modules-$KERNEL-di" "Priority: standard" "Kernel-Version: $KERNEL"
index_all
sign_all "1 year"
cp kbh1.conf kept.conf
echo "Packages: broken" >>kbh1.conf
refused 1 "broken : Depends: nowhere (>= 2) but it is not installable"
cp kept.conf kbh1.conf

note "a full disk"
mkdir small
mount -t tmpfs -o size=1m tmpfs small
at_exit "umount $T/small"
TMPDIR=$T/small refused 1 "o space left"
refused 1 "o space left" --cache small
