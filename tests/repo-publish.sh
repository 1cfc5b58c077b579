#!/bin/bash
# Publishing: atomic for readers, one at a time, safe against kill -9, never other bytes
# under a name; verify notices rot, gc deletes what nobody uses.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need gpg gpgv

make_gnupg repo-publish
arch=$(dpkg --print-architecture)
export WAYBILL_REPO=$T/repo
suite=$T/repo/public/dists/stable
for version in $(seq 1 24); do
	make_deb debs hello "1.$version" >/dev/null
done
imagerepo init --key "$KEY_FPR" >/dev/null
imagerepo add debs/hello_1.1_* >/dev/null

# read_suite: as a client does: InRelease, its signature, Packages by the hash in it, and
# every package; prints how many there are. Fails if anything does not fit.
read_suite()
{
	local hash dir=main/binary-$arch release packages
	release=$(gpgv --quiet --keyring "$T/repo-publish.gpg" --output - "$suite/InRelease" 2>/dev/null) ||
		return 1
	hash=$(awk -v f="$dir/Packages" '$3 == f { print $1 }' <<<"$release")
	[ -n "$hash" ] || return 1
	packages=$(cat "$suite/$dir/by-hash/SHA256/$hash") || return 1
	[ "$(sha256sum <"$suite/$dir/by-hash/SHA256/$hash" | cut -d' ' -f1)" = "$hash" ] || return 1
	awk -v dir="$T/repo/public/" '/^Filename:/ { f = $2 } /^SHA256:/ { print $2 "  " dir f }' \
		<<<"$packages" | sha256sum --check --quiet || return 1
	grep -c ^Package: <<<"$packages"
}

note "readers see only whole states while versions are published one after another"
reader()
{
	local count last=0 reads=0
	until [ -e "$T/stop" ]; do
		count=$(read_suite) || { echo "torn after $reads reads"; return 1; }
		[ "$count" -ge "$last" ] || { echo "$count after $last"; return 1; }
		last=$count
		reads=$((reads + 1))
	done
	echo "$reads reads, last saw $last"
	[ "$reads" -ge 10 ]
}
reader >reader1 2>&1 &
one=$!
reader >reader2 2>&1 &
two=$!
for version in $(seq 2 20); do
	imagerepo add "$(echo debs/hello_1."$version"_*)" >/dev/null
done
touch stop
wait $one || { cat reader1 >&2; fail "a reader saw a torn state"; }
wait $two || { cat reader2 >&2; fail "a reader saw a torn state"; }
cat reader1 reader2 >&2
equal "$(read_suite)" 20 "packages published"

note "two adds at a time queue, and both are published"
imagerepo add debs/hello_1.21_* >/dev/null &
one=$!
imagerepo add debs/hello_1.22_* >/dev/null &
two=$!
wait $one
wait $two
equal "$(read_suite)" 22 "packages after two adds at a time"

note "a waiting add says who holds the lock"
exec 9<"$T/repo/lock"
flock 9
imagerepo add debs/hello_1.23_* >/dev/null 2>waiting 9<&- &
one=$!
wait_for 20 "it says that it waits" test -s waiting
equal "$(read_suite)" 22 "packages while it waits"
exec 9<&-
wait $one
equal "$(read_suite)" 23 "packages after it got the lock"

note "kill -9 anywhere, then the same command again"
for delay in 0.005 0.01 0.02 0.03 0.04 0.05 0.06 0.08; do
	imagerepo add debs/hello_1.24_* >/dev/null 2>&1 &
	one=$!
	sleep "$delay"
	kill -KILL $one 2>/dev/null || true
	wait $one 2>/dev/null || true
	count=$(read_suite) || fail "torn after a kill at $delay s"
	[ "$count" = 23 ] || [ "$count" = 24 ] || fail "$count packages after a kill"
	imagerepo add debs/hello_1.24_* >/dev/null
	equal "$(read_suite)" 24 "packages after the second run"
	imagerepo verify >/dev/null
	imagerepo remove hello=1.24 >/dev/null
	equal "$(find repo/tmp -type f | wc -l)" 0 "files left in tmp/"
done
[ "$(find repo/public/dists -mindepth 1 -maxdepth 1 | wc -l)" = 3 ] ||
	fail "left in dists: $(ls -A repo/public/dists)"

note "a version never changes its bytes, not even after gc"
make_deb changed hello 1.24 "Section: changed" >/dev/null
before=$(tree_hash repo/public)
run_exit 1 imagerepo add changed/hello_1.24_*
contains err "was published before with other content"
equal "$(tree_hash repo/public)" "$before" "the public tree"
imagerepo gc >gc.out
contains gc.out "pool/main/h/hello/hello_1.24_$arch.deb"
run_exit 1 imagerepo add changed/hello_1.24_*
imagerepo add debs/hello_1.24_* >/dev/null
equal "$(read_suite)" 24 "packages after the original came back"

note "adding what is there already changes nothing"
before=$(tree_hash repo/public)
imagerepo add debs/hello_1.1_* >again
contains again "was already in stable"
equal "$(tree_hash repo/public)" "$before" "the public tree"

note "remove keeps the file for clients, gc deletes it; dry-run only says so"
imagerepo remove hello=1.1 hello=1.2 >/dev/null
[ -e "$(echo repo/public/pool/main/h/hello/hello_1.1_*)" ] || fail "remove deleted the file"
echo stray >repo/public/pool/main/h/hello/stray.deb
before=$(tree_hash repo/public)
imagerepo gc --dry-run >gc.out
contains gc.out "would delete 3 files"
equal "$(tree_hash repo/public)" "$before" "the public tree after a dry run"
imagerepo gc >gc.out
contains gc.out "deleted 3 files"
[ ! -e repo/public/pool/main/h/hello/stray.deb ] || fail "gc left a stray file"
equal "$(read_suite)" 22 "packages after gc"
imagerepo verify >/dev/null

note "verify notices rot in the pool, the indexes, the signatures"
rot()
{
	local file=$1 text=$2
	cp -p "$file" saved
	printf x | dd of="$file" bs=1 seek=20 conv=notrunc status=none
	run_exit 1 imagerepo verify
	contains err "$text"
	cp -p saved "$file"
	imagerepo verify >/dev/null
}
rot "$(echo repo/public/pool/main/h/hello/hello_1.9_*)" "has changed since it was published"
rot "$suite/main/binary-$arch/Packages" "is not what Release says"
rot "$suite/main/binary-$arch/Packages.gz" "is not what Release says"
rot "$suite/Release.gpg" "Release.gpg"
rot "$suite/Release" "changed after"
rot "$suite/InRelease" "InRelease"
mv "$(echo repo/public/pool/main/h/hello/hello_1.9_*)" away
run_exit 1 imagerepo verify
contains err "does not exist"
mv away "repo/public/pool/main/h/hello/hello_1.9_$arch.deb"
SOURCE_DATE_EPOCH=$(($(date +%s) + 11 * 86400)) run_exit 1 imagerepo verify
contains err "suite stable has expired"

note "resign renews Valid-Until"
until_of() { date -d "$(sed -n 's/^Valid-Until: //p' "$suite/Release")" +%s; }
old=$(until_of)
SOURCE_DATE_EPOCH=$(($(date +%s) + 86400)) imagerepo resign >/dev/null
[ "$(until_of)" -ge $((old + 86000)) ] || fail "resign left Valid-Until"

note "a clock that is set back does not set Date back, which apt would ignore in silence"
date_of() { date -d "$(sed -n 's/^Date: //p' "$suite/Release")" +%s; }
old=$(date_of)
imagerepo resign >/dev/null 2>warned
contains warned "the clock is behind the last publish of stable"
equal "$(date_of)" "$old" "Date with the clock set back"
