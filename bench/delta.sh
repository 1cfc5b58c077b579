#!/bin/bash
# What updates of one Debian image cost, and what the same takes others:
#   A  its packages upgraded in place, the kernel held
#   B  the same, and a new kernel
#   C  made again from scratch, from today's archive
# The first image is of the archive's main suite alone, so what is pending is what updates and
# security have beyond it. Each is packaged by imagepkg, with a plain initrd. Ours goes from
# package to package; the others go from the old to the new uncompressed data.tar, so all of them
# send the same disk, kernel and initrd, and none has compression in its way.
# Then the same disk as A's, packaged without hygiene: what that alone saves.
# The images are made once and kept in ${WAYBILL_CACHE:-/var/cache/waybill-bench}/delta; remove
# that to have them of today's archive. Root, a loop device and 15 GB are needed. BENCH_OTHERS=no
# measures ours alone, BENCH_UPDATES=a one of the three.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/bench.sh"
need_root
need mmdebstrap qemu-img dpkg-deb jq /usr/bin/time xdelta3 casync zsync zsyncmake rdiff zstd

cache=${WAYBILL_CACHE:-/var/cache/waybill-bench}/delta
export SOURCE_DATE_EPOCH=1700000000 TMPDIR=$T/tmp
mkdir -p "$cache" "$T/tmp"

# --- the images -------------------------------------------------------------------

# recipe VERSION [LINE]
recipe()
{
	cat <<-RECIPE
		Name: bench
		Version: $1
		Maintainer: Waybill tests <tests@waybill.test>
		Description: disk of the benchmark
		Suite: bookworm
		Packages: systemd-sysv systemd-resolved udev linux-image-amd64 nginx-light python3 perl
		 openssl curl openssh-server qemu-guest-agent
		Disk: 4G
		Boot: kernel
	RECIPE
	[ -z "${2:-}" ] || echo "$2"
}

# build NAME VERSION [LINE]
build()
{
	[ ! -e "$cache/$1.deb" ] || return 0
	note "making $1 (once)"
	mkdir -p r
	recipe "$2" "${3:-}" >r/recipe
	imagepkg -q build r -o . >/dev/null
	mv bench_*.deb "$cache/$1.deb"
}

# in_guest COMMAND...
in_guest()
{
	DEBIAN_FRONTEND=noninteractive chroot m "$@"
}

# boot_files: a new initrd and the kernel leave the disk, as `imagepkg build` has it
boot_files()
{
	local release
	release=$(ls m/usr/lib/modules)
	rm -f m/boot/initrd*
	in_guest update-initramfs -c -k "$release"
	cp "m/boot/vmlinuz-$release" vmlinuz
	zcat "m/boot/initrd.img-$release" >initrd.img 2>/dev/null ||
		zstd -qdf "m/boot/initrd.img-$release" -o initrd.img
	rm m/boot/vmlinuz* m/boot/initrd*
}

# upgrade [HELD PACKAGE...]: the system below m
upgrade()
{
	local old
	printf '#!/bin/sh\nexit 101\n' >m/usr/sbin/policy-rc.d
	chmod 755 m/usr/sbin/policy-rc.d
	cp vmlinuz "m/boot/vmlinuz-$(ls m/usr/lib/modules)"
	in_guest apt-get -qq update
	[ $# = 0 ] || in_guest apt-mark hold "$@"
	in_guest apt-get -qqy -o Dpkg::Use-Pty=0 -o APT::Install-Recommends=0 --with-new-pkgs upgrade
	[ $# = 0 ] || in_guest apt-mark unhold "$@"
	# What upgrades leave for an administrator to remove.
	for old in $(find m/usr/lib/modules -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | head -n -1); do
		in_guest apt-get -qqy -o Dpkg::Use-Pty=0 purge "linux-image-$old"
	done
	boot_files
	rm m/usr/sbin/policy-rc.d
}

# in_place NAME VERSION [HELD PACKAGE...]: the first image, upgraded as an administrator does it
in_place()
{
	local name=$1 version=$2
	shift 2
	[ ! -e "$cache/$name.deb" ] || return 0
	note "making $name (once)"
	mkdir -p m
	dpkg-deb --fsys-tarfile "$cache/old.deb" |
		tar -x --strip-components=6 ./var/lib/waybill/appliances/bench
	qemu-img convert -O raw disk.qcow2 disk.raw
	(
		trap 'umount -q m/proc m/dev m/run m' EXIT
		mount -o loop disk.raw m
		mount -t tmpfs tmpfs m/run
		mount --bind /proc m/proc
		mount --bind /dev m/dev
		mkdir -p keep
		mv m/etc/resolv.conf m/etc/apt/sources.list keep/ 2>/dev/null || true
		cp /etc/resolv.conf m/etc/
		apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) main' 'Created-By: Packages' |
			grep 'bookworm.* main$' | sort -u >m/etc/apt/sources.list
		upgrade "$@" >upgrade.log 2>&1
		rm -f m/etc/resolv.conf
		cp -P keep/* m/etc/apt/ 2>/dev/null || true
		[ ! -L m/etc/apt/resolv.conf ] || mv m/etc/apt/resolv.conf m/etc/
	) || { tail upgrade.log >&2; fail "the upgrade of $name"; }
	printf 'Memory: 512M\nBoot: kernel\n' >config
	[ "$name" != a ] || qemu-img convert -O qcow2 disk.raw "$cache/dirty.qcow2"
	imagepkg -q wrap --disk disk.raw --name bench --version "$version" --config config \
		--kernel vmlinuz --initrd initrd.img -o . >/dev/null
	mv bench_*.deb "$cache/$name.deb"
	rm -rf m keep disk.raw disk.qcow2
}

mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
	awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
[ -n "$mirror" ] || skip "this host's apt knows no bookworm"
build old 1.0 "Mirror: $mirror"
in_place a 1.1 linux-image-amd64
in_place b 1.2
SOURCE_DATE_EPOCH=1702000000 build c 2.0

# --- measuring ----------------------------------------------------------------------

# timed NAME COMMAND...: "<seconds> <CPU seconds> <KiB>" of it into NAME.time
timed()
{
	local name=$1
	shift
	sync -f .
	/usr/bin/time -o "$name.time" -f '%e %U %S %M' "$@" >"$name.log" 2>&1 ||
		{ cat "$name.log" >&2; fail "$name"; }
}

# row NAME BYTES: of the table; NAME.make.time and NAME.apply.time were measured
row()
{
	local name=$1 bytes=$2 wall user system kib
	read -r wall user system kib <"$name.make.time"
	printf '%-30s %11s %7s %8.1f %8.1f %6d' "$name" "$bytes" \
		"$([ -e xdelta_bytes ] && ratio "$bytes" "$(cat xdelta_bytes)" || echo)" "$wall" \
		"$(awk -v a="$user" -v b="$system" 'BEGIN { print a + b }')" $((kib / 1024))
	if [ -e "$name.apply.time" ]; then
		read -r wall user system kib <"$name.apply.time"
		printf ' %8.1f %6d' "$wall" $((kib / 1024))
	fi
	echo
	echo "$bytes" >"$name.bytes"
}

# casync_missing: bytes of the new chunks that the old store lacks, and of the index
casync_missing()
{
	local chunk total=0
	while read -r chunk; do
		[ -e "old.castr/$chunk" ] || total=$((total + $(stat -c %s "new.castr/$chunk")))
	done < <(cd new.castr && find . -name '*.cacnk')
	echo $((total + $(stat -c %s new.caibx)))
}

measure_others()
{
	timed xdelta3.make xdelta3 -f -9 -B 2000000000 -e -s old.tar new.tar delta
	timed xdelta3.apply xdelta3 -f -B 2000000000 -d -s old.tar delta back
	cmp back new.tar
	stat -c %s delta >xdelta_bytes
	row xdelta3 "$(cat xdelta_bytes)"
	rm -rf new.castr
	[ -d old.castr ] || casync make --store=old.castr --chunk-size=65536 old.caibx old.tar >/dev/null
	timed casync.make casync make --store=new.castr --chunk-size=65536 new.caibx new.tar
	row casync "$(casync_missing)"
	rm -f delta back
	timed rdiff.make sh -c 'rdiff signature old.tar sig && rdiff delta sig new.tar delta'
	timed rdiff.apply rdiff patch old.tar delta back
	cmp back new.tar
	row rdiff "$(zstd -q -19 -T0 --long=27 <delta | wc -c)"
	rm delta sig
	timed zstd.make zstd -q -f -12 --long=31 --patch-from=old.tar new.tar -o delta
	timed zstd.apply zstd -q -f -d --long=31 --patch-from=old.tar delta -o back
	row zstd "$(stat -c %s delta)"
	measure_zsync
	rm -f delta back
}

# zsync fetches what is missing, over HTTP; what its client counts as fetched, and its control file.
measure_zsync()
{
	local port
	port=$(free_port)
	timed zsync.make zsyncmake -o new.zsync -u "http://127.0.0.1:$port/new.tar" new.tar
	serve_here "$port"
	rm -f back	# it would start from that
	timed zsync.apply zsync -i old.tar -o back new.zsync
	stop_pid "$server"
	rm -f back back.zs-old
	row zsync $(($(sed -n 's/.*fetched \([0-9]*\).*/\1/p' zsync.apply.log | tail -1) +
		$(stat -c %s new.zsync)))
}

serve_here()
{
	printf 'daemon off; pid %s/nginx.pid; error_log stderr; events {}\nhttp { access_log off;
		client_body_temp_path %s/n1; proxy_temp_path %s/n2; fastcgi_temp_path %s/n3;
		uwsgi_temp_path %s/n4; scgi_temp_path %s/n5;
		server { listen 127.0.0.1:%s; root %s; max_ranges 10000; } }\n' \
		"$T" "$T" "$T" "$T" "$T" "$T" "$1" "$T" >nginx.conf
	/usr/sbin/nginx -c "$T/nginx.conf" 2>nginx.log &
	server=$!
	track_pid $server
	wait_for 30 "nginx listens" listens "$1"
}

# measure WHAT NAME
measure()
{
	local what=$1 name=$2 tool
	dpkg-deb --fsys-tarfile "$cache/$name.deb" >new.tar
	rm -f -- *.time *.bytes xdelta_bytes
	printf '\n%-30s %11s %7s %8s %8s %6s %8s %6s\n' "$what" bytes xdelta3 "make, s" "CPU, s" MiB "apply, s" MiB
	[ "${BENCH_OTHERS:-yes}" = no ] || measure_others
	timed ours.make imagepkg delta --json -o ours.delta "$cache/old.deb" "$cache/$name.deb"
	timed ours.apply imagepkg patch -o back.deb ours.delta x/var/lib/waybill/appliances/bench
	dpkg-deb --fsys-tarfile back.deb | cmp - new.tar
	row ours "$(stat -c %s ours.delta)"
	rm back.deb
	verdicts+=("$what" "$(cat ours.bytes)" "$(stat -c %s "$cache/$name.deb")" "$(cat ours.make.time)" \
		"$(cat ours.apply.time)" "$([ ! -e xdelta_bytes ] || cat xdelta_bytes)" \
		"$(for tool in casync rdiff zstd zsync xdelta3; do cat $tool.bytes 2>/dev/null || true; done |
			sort -n | head -1)")
}

dpkg-deb -x "$cache/old.deb" x
dpkg-deb --fsys-tarfile "$cache/old.deb" >old.tar
verdicts=()
printf '%-30s %12s\n' "load average (1 or so is quiet)" "$(cut -d' ' -f1 /proc/loadavg)" \
	"old data.tar" "$(numfmt --to=si "$(stat -c %s old.tar)")B" \
	"old package" "$(numfmt --to=si "$(stat -c %s "$cache/old.deb")")B"
for update in ${BENCH_UPDATES:-a b c}; do
	case $update in
	a) measure "A: upgraded in place" a ;;
	b) measure "B: and a new kernel" b ;;
	c) measure "C: made again" c ;;
	esac
done

# --- hygiene -------------------------------------------------------------------------

if [ "${BENCH_OTHERS:-yes}" != no ] && [ -e "$cache/dirty.qcow2" ]; then
	clean=x/var/lib/waybill/appliances/bench/disk.qcow2
	dpkg-deb -x "$cache/a.deb" y
	qemu-img convert -O qcow2 -S 4k "$cache/dirty.qcow2" dirty.qcow2
	printf '\n%s\n' "A's disk alone, xdelta3 -9 and librsync (4 KiB blocks, then zstd -19)"
	for disk in dirty.qcow2 y/var/lib/waybill/appliances/bench/disk.qcow2; do
		xdelta3 -f -9 -B 2000000000 -e -s $clean "$disk" delta
		rdiff -b 4096 -S 20 signature $clean sig
		printf '%-30s %11s %11s\n' "$([ "$disk" = dirty.qcow2 ] && echo "without hygiene" || echo "with it")" \
			"$(stat -c %s delta)" "$(rdiff delta sig "$disk" | zstd -q -19 -T0 --long=27 | wc -c)"
		rm delta sig
	done
fi

# --- goals -----------------------------------------------------------------------------

echo
set -- "${verdicts[@]}"
while [ $# -gt 0 ]; do
	read -r make_s _ _ make_kib <<<"$4"
	read -r apply_s _ _ apply_kib <<<"$5"
	[ -z "$7" ] || goal "$1: bytes, times the best other's" "$(ratio "$2" "$7")" le 0.99
	[ -z "$6" ] || [ "${1:0:1}" = A ] || goal "$1: bytes, times xdelta3's" "$(ratio "$2" "$6")" le 0.70
	goal "$1: bytes, times the package's" "$(ratio "$2" "$3")" le 1
	goal "$1: seconds to make" "$make_s" le 60
	goal "$1: MiB to make" $((make_kib / 1024)) le 256
	goal "$1: seconds to apply" "$apply_s" le 15
	goal "$1: MiB to apply" $((apply_kib / 1024)) le 64
	shift 7
done
exit $failed
