#!/bin/bash
# What an image package costs at a site and at the operator's desk, on one disk of 4 GB
# with some 800 MB in use:
#   - dpkg's unpack of our package, against writing the same bytes with fsync, and against
#     a package made as in 2007 (raw image, gzip); medians of 5 interleaved runs;
#   - what dpkg itself takes for these bytes, the bound below which no package gets: its
#     unpack of them stored uncompressed, and one MD5 of them, which it makes of every file;
#   - imagepkg wrap: CPU use and peak memory.
# The disk is made from Debian packages once and kept in ${WAYBILL_CACHE:-/var/cache/waybill-bench}.
# BENCH_RUNS sets the runs. With BENCH_DISK_MBPS the site's disk is a loop device that writes so
# many megabytes a second and no more (by the blkio controller of cgroup v1).
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/bench.sh"
need_root
need mmdebstrap qemu-img dpkg-deb /usr/bin/time

runs=${BENCH_RUNS:-5}
cache=${WAYBILL_CACHE:-/var/cache/waybill-bench}
mbps=${BENCH_DISK_MBPS:-}
export SOURCE_DATE_EPOCH=1700000000 TMPDIR=$T/tmp
mkdir -p "$cache" "$T/tmp"

# The disk, as a package of this recipe; its content is Debian's.
mkdir recipe
cat >recipe/recipe <<-'RECIPE'
	Name: bench
	Version: 1.0
	Maintainer: Waybill tests <tests@waybill.test>
	Description: disk of the benchmark
	Suite: bookworm
	Packages: systemd-sysv linux-image-cloud-amd64 nginx-light python3 perl
	 gcc vim mariadb-server
	Disk: 4G
	Boot: host-kernel
RECIPE
disk=$cache/disk-$(sha256sum <recipe/recipe | cut -c1-8).raw
if [ ! -e "$disk" ]; then
	note "making the disk (once)"
	imagepkg build recipe -o . >/dev/null
	dpkg-deb -x bench_1.0_amd64.deb x
	qemu-img convert -O raw x/var/lib/waybill/appliances/bench/disk.qcow2 "$disk.tmp"
	mv "$disk.tmp" "$disk"
	rm -rf x bench_1.0_amd64.deb
fi

# --- the operator's desk ------------------------------------------------------

note "imagepkg wrap"
# time(1) reports the memory of the largest of its processes.
/usr/bin/time -o wrap.time -f '%e %U %S %M' \
	imagepkg -q wrap --disk "$disk" --name bench --version 1.0 -o . >/dev/null
read -r wall user system rss_kib <wrap.time
cpu=$(awk -v u="$user" -v s="$system" -v w="$wall" -v n="$(nproc)" \
	'BEGIN { printf "%.0f", 100 * (u + s) / w / n }')

# --- the packages ----------------------------------------------------------

dpkg-deb -x bench_1.0_amd64.deb x
base=x/var/lib/waybill/appliances/bench/disk.qcow2
base_bytes=$(stat -c %s "$base")
mkdir -p old/DEBIAN old/var/lib/images
cp --sparse=always "$disk" old/var/lib/images/bench.raw
cat >old/DEBIAN/control <<-'CONTROL'
	Package: bench
	Version: 1.0
	Architecture: amd64
	Maintainer: Waybill tests <tests@waybill.test>
	Description: the same disk, packaged as in 2007
CONTROL
note "the package of 2007 (raw image, gzip)"
dpkg-deb --root-owner-group -Zgzip -b old old.deb >/dev/null
rm -rf old
note "our package, stored uncompressed"
dpkg-deb -R bench_1.0_amd64.deb stored
rm stored/DEBIAN/p*
dpkg-deb --root-owner-group -Znone -b stored stored.deb >/dev/null
rm -rf stored

# --- a site's disk ---------------------------------------------------------------

# limit_disk DEVICE BYTES: that it writes a second; 0 is no limit
limit_disk()
{
	echo "$(lsblk -dnro MAJ:MIN "$1") $2" >/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device
}

site=$T/site
mkdir "$site"
if [ -n "$mbps" ]; then
	truncate -s 8G site.img
	device=$(losetup -f --show site.img)
	at_exit "losetup -d $device"
	# Without it, mkfs leaves inode tables to be written while we measure.
	mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$device"
	mount "$device" "$site"
	at_exit "umount $site"
	limit_disk "$device" $((mbps * 1000000))
	at_exit "limit_disk $device 0"
fi

# timed NAME COMMAND...: milliseconds until what COMMAND wrote is on the disk go into
# $NAME.ms, those of CPU that it used into $NAME.cpu, the bytes that it wrote into $NAME.bytes
# (time's %O: blocks of 512)
timed()
{
	local name=$1 start
	shift
	sync -f "$site"
	start=$(date +%s%3N)
	/usr/bin/time -o time.out -f '%O %U %S' "$@" >/dev/null
	sync -f "$site"
	echo $(($(date +%s%3N) - start)) >>"$name.ms"
	awk -v name="$name" '{
		printf "%d\n", $1 * 512 >>(name ".bytes")
		printf "%d\n", ($2 + $3) * 1000 >>(name ".cpu")
	}' time.out
}

# unpack NAME DEB: into a fresh root
unpack()
{
	rm -rf "$site/root"
	make_dpkg_root "$site/root"
	timed "$1" dpkg --root="$site/root" --force-script-chrootless --force-not-root --unpack "$2"
}

for run in $(seq "$runs"); do
	note "run $run of $runs"
	rm -f "$site/copy"
	cat "$base" bench_1.0_amd64.deb stored.deb old.deb >/dev/null
	timed raw dd if="$base" of="$site/copy" bs=1M conv=fsync status=none
	unpack ours bench_1.0_amd64.deb
	cmp "$base" "$site/root/var/lib/waybill/appliances/bench/disk.qcow2"
	unpack stored stored.deb
	timed md5 md5sum "$base"
	unpack old old.deb
done
rm -rf "$site/root" "$site/copy"

ms_raw=$(median raw.ms)
ms_ours=$(median ours.ms)
ms_stored=$(median stored.ms)
ms_old=$(median old.ms)
printf '\n%-44s %12s\n' "load average (1 or so is quiet)" "$(cut -d' ' -f1 /proc/loadavg)"
[ -z "$mbps" ] || printf '%-44s %12s\n' "the site's disk writes, MB/s" "$mbps"
printf '%-44s %12s\n' "disk, in use" "$(numfmt --to=si "$base_bytes")B"
printf '%-44s %12s\n' "our package" "$(stat -c %s bench_1.0_amd64.deb | numfmt --to=si)B"
printf '%-44s %12s\n' "package of 2007" "$(stat -c %s old.deb | numfmt --to=si)B"
printf '%-44s %9s ms  (%s)\n' "write and fsync of the base" "$ms_raw" "$(xargs <raw.ms)" \
	"dpkg unpack of our package" "$ms_ours" "$(xargs <ours.ms)" \
	"dpkg unpack of it, stored uncompressed" "$ms_stored" "$(xargs <stored.ms)" \
	"md5sum of the base" "$(median md5.ms)" "$(xargs <md5.ms)" \
	"dpkg unpack of the package of 2007" "$ms_old" "$(xargs <old.ms)"
printf '%-44s %9s ms\n' "CPU: unpack of our package" "$(median ours.cpu)" \
	"CPU: unpack of it, stored uncompressed" "$(median stored.cpu)" \
	"CPU: unpack of the package of 2007" "$(median old.cpu)"
printf '%-44s %9s s\n\n' "imagepkg wrap" "$wall"
printf 'bound %-58s %8s\n' "unpack stored uncompressed, times write and fsync" \
	"$(ratio "$ms_stored" "$ms_raw")" "md5sum alone, times write and fsync" \
	"$(ratio "$(median md5.ms)" "$ms_raw")"
goal "unpack, times write and fsync" "$(ratio "$ms_ours" "$ms_raw")" le 1.7
goal "bytes written by unpack, times the base's" "$(ratio "$(median ours.bytes)" "$base_bytes")" le 1.05
goal "times as fast as the package of 2007" "$(ratio "$ms_old" "$ms_ours")" ge 5
goal "wrap: CPU use in per cent of all cores" "$cpu" ge 80
goal "wrap: peak memory in MiB" "$((rss_kib / 1024))" le 512
exit $failed
