# shellcheck shell=bash
# Image packages that differ from version to version, small and quickly made, and a site that
# gets them from a repository with deltas. Source lib.sh first, and site.sh for image_site_init.
# shellcheck disable=SC2154 # $T and more come from lib.sh
need mke2fs qemu-img dpkg-deb openssl

# noise SEED BYTES: the same bytes for the same seed, and nothing that compresses
noise()
{
	openssl enc -aes-128-ctr -nosalt -pass "pass:$1" -md sha256 </dev/zero 2>/dev/null |
		head -c "$2" || true
}

# file_system DIR MIB: disk.raw, an ext4 file system of what is in DIR
file_system()
{
	rm -f disk.raw
	truncate -s "$2M" disk.raw
	mke2fs -q -F -t ext4 -d "$1" -U 12345678-1234-1234-1234-123456789012 disk.raw
}

# image VERSION [BYTES [SAME]]: package askom, whose disk has a file of BYTES that no other version
# has, and one of SAME that is in all of them. Prints its path.
image()
{
	local bytes=${2:-20000} same=${3:-1500000}
	rm -rf tree
	mkdir -p tree/usr
	noise same "$same" >tree/usr/same
	noise "$1" "$bytes" >tree/usr/other
	file_system tree $((14 + (bytes + same) / 800000))
	imagepkg -q wrap --disk disk.raw --name askom --version "$1"
}

# image_site_init: site_init, and `imagerepo add` makes what the site sees. No VM is wanted here.
image_site_init()
{
	export WAYBILL_REPO=$T/repo
	mkdir -p bin repo/public
	ln -s repo/public public
	printf '%s\n' '#!/bin/sh' "[ \"\$1\" != list ] || echo '[]'" >bin/appliance
	chmod 755 bin/appliance
	PATH=$T/bin:$PATH
	site_init
	rm -rf repo
	imagerepo init --key "$KEY_FPR" --list-key "$KEY_FPR" >/dev/null
	echo "Deltas: 1" >>repo/conf/repo.conf
}
