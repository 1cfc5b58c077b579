#!/bin/bash
# How long does it take to publish one package into a repository of 2,000, signing
# included? imagerepo add against reprepro includedeb and aptly (repo add, publish
# update) on the same tree, the same key, the same disk: medians of 5 interleaved runs.
# BENCH_PACKAGES sets the size, BENCH_RUNS the runs.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"

packages=${BENCH_PACKAGES:-2000}
runs=${BENCH_RUNS:-5}

need reprepro aptly gpg dpkg-deb

make_packages()
{
	local first=$1 last=$2 dir=$3 i tree=$T/tree
	mkdir -p "$tree/DEBIAN" "$tree/usr/share/bench" "$dir"
	for i in $(seq "$first" "$last"); do
		echo "$i" >"$tree/usr/share/bench/file-$i"
		cat >"$tree/DEBIAN/control" <<-CONTROL
			Package: bench-$i
			Version: 1.$i
			Architecture: amd64
			Maintainer: Waybill tests <tests@waybill.test>
			Section: misc
			Priority: optional
			Description: package $i of the publishing benchmark
			 Small, and with a description of two lines, as many packages
			 have them.
		CONTROL
		dpkg-deb --root-owner-group -Zgzip -z1 -b "$tree" "$dir" >/dev/null
		rm "$tree/usr/share/bench/file-$i"
	done
}

set_up_ours()
{
	imagerepo --repo "$T/ours" init --arch amd64 --key "$KEY_FPR" --list-key "$KEY_FPR"
	imagerepo --repo "$T/ours" add "$T"/old/*.deb
}

set_up_reprepro()
{
	mkdir -p "$T/reprepro/conf"
	cat >"$T/reprepro/conf/distributions" <<-CONF
		Origin: Bench
		Codename: stable
		Suite: stable
		Architectures: amd64
		Components: main
		SignWith: $KEY_FPR
	CONF
	reprepro --silent -b "$T/reprepro" includedeb stable "$T"/old/*.deb
}

our_aptly()
{
	aptly -config="$T/aptly.conf" "$@"
}

set_up_aptly()
{
	cat >"$T/aptly.conf" <<-CONF
		{ "rootDir": "$T/aptly", "architectures": ["amd64"], "gpgProvider": "gpg" }
	CONF
	our_aptly repo create -distribution=stable -component=main bench
	our_aptly repo add bench "$T/old"
	our_aptly publish repo -batch -skip-contents -gpg-key="$KEY_FPR" bench
}

# timed FILE COMMAND...: append how long it takes, in microseconds.
timed()
{
	local file=$1 start end
	shift
	start=$(date +%s%N)
	"$@" >"$T/out" 2>"$T/err" || { cat "$T/out" "$T/err" >&2; fail "$*"; }
	end=$(date +%s%N)
	echo $(((end - start) / 1000)) >>"$file"
}

# median FILE: of microseconds, in milliseconds
median()
{
	sort -n "$1" | awk '{ v[NR] = $1 } END { printf "%.1f", v[int((NR + 1) / 2)] / 1000 }'
}

# verdict NAME FILE: our median against theirs
verdict()
{
	awk -v ours="$(median "$T/t.ours")" -v theirs="$(median "$2")" -v name="$1" 'BEGIN {
		ok = ours <= theirs
		printf "%-34s %8.1f ms   ours / theirs = %.2f   %s\n", name, theirs, ours / theirs,
			ok ? "PASS" : "FAIL"
		exit !ok
	}'
}

note "making $packages small packages"
make_gnupg bench
make_packages 1 "$packages" "$T/old"
make_packages $((packages + 1)) $((packages + runs)) "$T/new"
note "setting up three repositories"
{ set_up_ours && set_up_reprepro && set_up_aptly; } >"$T/setup.log" 2>&1 || {
	tail "$T/setup.log" >&2
	fail "set-up"
}

for i in $(seq "$runs"); do
	deb=$(echo "$T"/new/bench-$((packages + i))_*.deb)
	timed "$T/t.ours" imagerepo --repo "$T/ours" add "$deb"
	timed "$T/t.reprepro" reprepro --silent -b "$T/reprepro" includedeb stable "$deb"
	timed "$T/t.aptly-add" our_aptly repo add bench "$deb"
	timed "$T/t.aptly" our_aptly publish update -batch -skip-contents -gpg-key="$KEY_FPR" stable
done

echo "publishing one package into $packages, signing included, median of $runs runs"
printf '%-34s %8.1f ms\n' "imagerepo add" "$(median "$T/t.ours")"
status=0
verdict "reprepro includedeb" "$T/t.reprepro" || status=1
verdict "aptly publish update" "$T/t.aptly" || status=1
printf '%-34s %8.1f ms   (before it; not counted)\n' "aptly repo add" "$(median "$T/t.aptly-add")"
exit $status
