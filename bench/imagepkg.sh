#!/bin/bash
# What an image package costs at a site and at the operator's desk, on one disk of 4 GB
# with some 800 MB in use:
#   - dpkg's unpack of our package, against writing the same bytes with fsync, and against
#     a package made as in 2007 (raw image, gzip); medians of 5 interleaved runs;
#   - imagepkg wrap: CPU use and peak memory.
# The disk is made from Debian packages once and kept in ${WAYBILL_CACHE:-/var/cache/waybill-bench}.
# BENCH_RUNS sets the runs.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need mmdebstrap qemu-img dpkg-deb /usr/bin/time python3

runs=${BENCH_RUNS:-5}
cache=${WAYBILL_CACHE:-/var/cache/waybill-bench}
export SOURCE_DATE_EPOCH=1700000000 TMPDIR=$T/tmp
mkdir -p "$cache" "$T/tmp"
unset NO_COLOR
failed=0

# The disk, as a package of the recipe below; its content is Debian's.
if [ ! -e "$cache/disk.raw" ]; then
	note "making the disk (once)"
	mkdir recipe
	cat >recipe/recipe <<-'RECIPE'
		Name: bench
		Version: 1.0
		Maintainer: Waybill tests <tests@waybill.test>
		Description: disk of the benchmark
		Suite: bookworm
		Packages: systemd-sysv linux-image-cloud-amd64 nginx-light python3 perl
		 gcc g++ git vim mariadb-server php-cli openjdk-17-jre-headless
		Disk: 4G
		Boot: host-kernel
	RECIPE
	imagepkg build recipe -o . >/dev/null
	dpkg-deb -x bench_1.0_amd64.deb x
	qemu-img convert -O raw x/var/lib/waybill/appliances/bench/disk.qcow2 "$cache/disk.tmp"
	mv "$cache/disk.tmp" "$cache/disk.raw"
	rm -rf x bench_1.0_amd64.deb
fi

# now_ms, and now_ms_since START
now_ms()
{
	date +%s%3N
}

# median FILE
median()
{
	sort -n "$1" | sed -n "$((($(wc -l <"$1") + 1) / 2))p"
}

# ratio A B: with two digits
ratio()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

# goal TEXT VALUE le|ge LIMIT
goal()
{
	local verdict=FAIL
	awk -v v="$2" -v l="$4" -v op="$3" 'BEGIN { exit !(op == "le" ? v <= l : v >= l) }' &&
		verdict=PASS
	printf '%s  %-58s %8s  (goal %s %s)\n' "$verdict" "$1" "$2" \
		"$([ "$3" = le ] && echo "<=" || echo ">=")" "$4"
	[ $verdict = PASS ] || failed=1
}

# --- the operator's desk ------------------------------------------------------

note "imagepkg wrap"
# Which processes it takes memory in: time(1) reports the largest of them.
/usr/bin/time -o wrap.time -f '%e %U %S %M' \
	imagepkg -q wrap --disk "$cache/disk.raw" --name bench --version 1.0 -o . >/dev/null
read -r wall user system rss_kib <wrap.time
cpu=$(awk -v u="$user" -v s="$system" -v w="$wall" -v n="$(nproc)" \
	'BEGIN { printf "%.0f", 100 * (u + s) / w / n }')

# --- the two packages ----------------------------------------------------------

dpkg-deb -x bench_1.0_amd64.deb x
base=x/var/lib/waybill/appliances/bench/disk.qcow2
base_bytes=$(stat -c %s "$base")
mkdir -p old/DEBIAN old/var/lib/images
cp --sparse=always "$cache/disk.raw" old/var/lib/images/bench.raw
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

# --- a site's disk ---------------------------------------------------------------

# Sectors that this machine's disks have written so far, in bytes: of all real disks,
# which is why nothing else should run.
written_bytes()
{
	awk '$3 !~ /^(loop|ram|dm-|md|sr)/ && $3 !~ /[0-9]$/ { n += $10 } END { print n * 512 }' \
		/proc/diskstats
}

# timed FILE COMMAND...: milliseconds until what COMMAND wrote is on the disk
timed()
{
	local file=$1 start
	shift
	sync
	start=$(now_ms)
	"$@" >/dev/null
	sync -f .
	echo $(($(now_ms) - start)) >>"$file"
}

unpack()
{
	root_dpkg "$1" --unpack "$2"
}

# A scripts-free copy: what is measured is dpkg's unpack.
dpkg-deb -R bench_1.0_amd64.deb plain
rm -rf plain bare.deb
python3 - bench_1.0_amd64.deb bare.deb <<'PYTHON'
import subprocess, sys, tempfile, os, io, tarfile
source, target = sys.argv[1:]
with tempfile.TemporaryDirectory() as d:
    subprocess.run(["ar", "x", os.path.abspath(source)], cwd=d, check=True)
    subprocess.run(["dpkg-deb", "-e", os.path.abspath(source), d + "/c"], check=True)
    for name in ("preinst", "postinst", "prerm", "postrm"):
        os.remove(d + "/c/" + name)
    subprocess.run("tar --owner=0 --group=0 -C c -cf - . | zstd -q >control.tar.zst",
                   shell=True, cwd=d, check=True)
    subprocess.run(["ar", "rc", os.path.abspath(target), "debian-binary",
                    "control.tar.zst", "data.tar.zst"], cwd=d, check=True)
PYTHON

for run in $(seq "$runs"); do
	note "run $run of $runs"
	rm -rf root1 root2 copy
	make_dpkg_root "$T/root1"
	make_dpkg_root "$T/root2"
	cat "$base" bare.deb old.deb >/dev/null
	timed raw dd if="$base" of=copy bs=1M conv=fsync status=none
	before=$(written_bytes)
	timed ours unpack "$T/root1" bare.deb
	echo $(($(written_bytes) - before)) >>written
	equal "$(stat -c %b "$T/root1/var/lib/waybill/appliances/bench/disk.qcow2")" \
		"$(stat -c %b copy)" "blocks of the unpacked base"
	timed old unpack "$T/root2" old.deb
done
rm -rf root1 root2 copy

ms_raw=$(median raw)
ms_ours=$(median ours)
ms_old=$(median old)
printf '\n%-44s %12s\n' "disk, in use" "$(numfmt --to=iec "$base_bytes")B"
printf '%-44s %12s\n' "our package" "$(stat -c %s bench_1.0_amd64.deb | numfmt --to=iec)B"
printf '%-44s %12s\n' "package of 2007" "$(stat -c %s old.deb | numfmt --to=iec)B"
printf '%-44s %9s ms  (%s)\n' "write and fsync of the base" "$ms_raw" "$(xargs <raw)" \
	"dpkg unpack of our package" "$ms_ours" "$(xargs <ours)" \
	"dpkg unpack of the package of 2007" "$ms_old" "$(xargs <old)"
printf '%-44s %9s s\n\n' "imagepkg wrap" "$wall"
goal "unpack, times write and fsync" "$(ratio "$ms_ours" "$ms_raw")" le 1.7
goal "bytes written by unpack, times the base's" "$(ratio "$(median written)" "$base_bytes")" le 1.05
goal "times as fast as the package of 2007" "$(ratio "$ms_old" "$ms_ours")" ge 5
goal "wrap: CPU use in per cent of all cores" "$cpu" ge 80
goal "wrap: peak memory in MiB" "$((rss_kib / 1024))" le 512
exit $failed
