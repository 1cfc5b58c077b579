#!/bin/bash
# imagerepo and wrong, truncated, oversized and hostile input: a clear message, exit 1, 2
# or 3, and nothing is changed.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need gpg dpkg-deb ar

make_gnupg repo-hostile
arch=$(dpkg --print-architecture)
export WAYBILL_REPO=$T/repo

note "init"
run_exit 1 imagerepo list
contains err "there is no repository in $T/repo; make one with 'imagerepo init'"
wrong_init()
{
	local status=$1 text=$2
	shift 2
	run_exit "$status" imagerepo init "$@"
	contains err "$text"
	[ ! -e repo/conf/repo.conf ] || fail "a repository was made: $*"
}
wrong_init 2 "no valid name" --suite ../evil
wrong_init 2 "no valid name" --suite 'Stable'
wrong_init 2 "no valid name" --arch all
wrong_init 2 "no http" --url ftp://x
wrong_init 2 "one line" --url "$(printf 'http://x\nEvil: 1')"
wrong_init 2 "USER@HOST" --server 'host'
wrong_init 2 "USER@HOST" --server '-oProxyCommand=id@host'
wrong_init 2 "too many" extra
wrong_init 2 "unknown option" --frobnicate
wrong_init 2 "needs an argument" --key
wrong_init 1 "no secret key 'nobody@nowhere'" --key nobody@nowhere
wrong_init 1 "no OpenSSH public key" --key "$KEY_FPR" --host-key /etc/hostname
imagerepo init --key "$KEY_FPR" >/dev/null
run_exit 1 imagerepo init --key "$KEY_FPR"
contains err "is a repository already"

good=$(make_deb debs askom 1.0)
imagerepo add "$good" >/dev/null
imagerepo site add kbh1 >/dev/null

# All but the lock, which holds the number of the process that took it last.
repo_hash()
{
	rm -f repo/lock
	tree_hash repo
}

before=$(repo_hash)
nothing_changed()
{
	equal "$(repo_hash)" "$before" "the repository after: $*"
}

# wrong STATUS TEXT ARGUMENT...
wrong()
{
	local status=$1 text=$2
	shift 2
	run_exit "$status" imagerepo "$@"
	contains err "$text"
	nothing_changed "$@"
}

note "no package, half a package, somebody else's package"
wrong 1 "there is no file missing.deb" add missing.deb
wrong 1 "no regular file" add "$T"
wrong 1 "no regular file" add /dev/zero
: >empty.deb
wrong 1 "empty.deb is no Debian package" add empty.deb
head -c 100000 /dev/urandom >noise.deb
wrong 1 "no Debian package" add noise.deb
head -c 300 "$good" >cut.deb
wrong 1 "truncated" add cut.deb
size=$(stat -c %s "$good")
for cut in 7 8 20 67 70 100 131 140 "$((size - 100))" "$((size - 1))"; do
	head -c "$cut" "$good" >cut.deb
	run_exit 1 imagerepo add cut.deb
	nothing_changed "add of the first $cut bytes"
done
{ cat "$good"; echo rubbish; } >long.deb
wrong 1 "rubbish after" add long.deb
cp "$good" members.deb
echo x >extra
ar q members.deb extra
wrong 1 "unexpected member" add members.deb

# deb NAME: from the control file on standard input, unchecked by dpkg-deb
deb()
{
	mkdir -p tree/DEBIAN
	cat >tree/DEBIAN/control
	dpkg-deb --nocheck --root-owner-group -Zgzip -b tree "$1" >/dev/null 2>&1 ||
		fail "dpkg-deb made no $1"
}

# control FIELD...: a good control file with these fields instead or more
control()
{
	local field name
	for field in "Package: evil" "Version: 1" "Architecture: $arch" \
		"Maintainer: x <x@x>" "Description: x"; do
		name=${field%%:*}
		printf '%s\n' "$@" | grep -q "^$name:" || echo "$field"
	done
	[ $# = 0 ] || printf '%s\n' "$@" | grep -v ':$'
}

note "control files that a repository must not take"
control | grep -v ^Maintainer | deb x.deb
wrong 1 "no Maintainer" add x.deb
control "SHA256: 00" | deb x.deb
wrong 1 "the field SHA256, which only a repository may set" add x.deb
control "Filename: pool/main/../../../etc/passwd" | deb x.deb
wrong 1 "the field Filename" add x.deb
control "Size: 1" | deb x.deb
wrong 1 "the field Size" add x.deb
control "Image-Control-SHA256: 00" | deb x.deb
wrong 1 "the field Image-Control-SHA256" add x.deb
control "Architecture: riscv64" | deb x.deb
wrong 1 "this repository serves: $arch" add x.deb

# Names that dpkg-deb itself would refuse: put into the control member by hand.
raw_deb()
{
	rm -rf raw
	mkdir raw
	cat >raw/control
	tar -C raw -czf raw/control.tar.gz ./control
	tar -C raw -czf raw/data.tar.gz --files-from /dev/null
	echo 2.0 >raw/debian-binary
	rm -f "$1"
	(cd raw && ar rc "../$1" debian-binary control.tar.gz data.tar.gz)
}
control "Package: ../../evil" | raw_deb x.deb
wrong 1 "no valid package name" add x.deb
control "Package: Evil" | raw_deb x.deb
wrong 1 "no valid package name" add x.deb
control "Version: 1/../../x" | raw_deb x.deb
wrong 1 "no valid version" add x.deb
control "Version: 1_2" | raw_deb x.deb
wrong 1 "no valid version" add x.deb
control "Architecture: ../x" | raw_deb x.deb
wrong 1 "no valid architecture" add x.deb
control "Version: 1" "Version: 2" | raw_deb x.deb
wrong 1 "Version" add x.deb
control | { cat; printf '\nPackage: second\n'; } | raw_deb x.deb
wrong 1 "x.deb" add x.deb
printf 'Package: evil\0\n' | raw_deb x.deb
wrong 1 "x.deb" add x.deb
{ control; printf 'X-Big: '; head -c 2000000 /dev/zero | tr '\0' a; echo; } | raw_deb x.deb
wrong 1 "at most" add x.deb
{ control; echo "this is no field"; } | raw_deb x.deb
wrong 1 "x.deb" add x.deb

note "Image-* fields that lie"
rm -rf tree
mkdir -p tree/var/lib/waybill/appliances/image
head -c 300000 /dev/urandom >tree/var/lib/waybill/appliances/image/disk.qcow2
export SOURCE_DATE_EPOCH=1700000000
image_control()
{
	cat <<-CONTROL
		Package: image
		Version: 1
		Architecture: $arch
		Maintainer: x <x@x>
		Description: x
		Image-Format: $1
		Image-Data-SHA256: $2
		Image-Data-Size: $3
		Image-Base-SHA256: $4
	CONTROL
}
image_control 1 0 0 0 | deb probe.deb
data_hash=$(dpkg-deb --fsys-tarfile probe.deb | sha256sum | cut -d' ' -f1)
data_size=$(dpkg-deb --fsys-tarfile probe.deb | wc -c)
base_hash=$(sha256sum <tree/var/lib/waybill/appliances/image/disk.qcow2 | cut -d' ' -f1)
no=$(printf '%064d' 0)
image_control 1 "$no" "$data_size" "$base_hash" | deb x.deb
wrong 1 "its Image-Data-SHA256 says 000" add x.deb
image_control 1 "$data_hash" 1 "$base_hash" | deb x.deb
wrong 1 "its Image-Data-Size says 1, but it is $data_size" add x.deb
image_control 1 "$data_hash" "$data_size" "$no" | deb x.deb
wrong 1 "its Image-Base-SHA256 says 000" add x.deb
image_control 2 "$data_hash" "$data_size" "$base_hash" | deb x.deb
wrong 1 "Image-Format" add x.deb
image_control 1 "$data_hash" "$data_size" "$base_hash" | grep -v Data-Size | deb x.deb
wrong 1 "no Image-Data-Size" add x.deb
image_control 1 "$data_hash" "$data_size" "$base_hash" | deb image.deb
unset SOURCE_DATE_EPOCH

note "one bad file among good ones publishes none"
make_deb debs second 1.0 >/dev/null
run_exit 1 imagerepo add debs/second_1.0_* x.deb
imagerepo list >listed
lacks listed second
imagerepo verify >/dev/null
imagerepo gc >/dev/null
before=$(repo_hash)

note "suites, names, usage"
wrong 1 "no suite 'nope'" add --suite nope "$good"
wrong 1 "no suite" list --suite ../x
wrong 1 "is not published" remove nothing
wrong 1 "is not published" remove askom=9
wrong 1 "is not published" remove 'askom=1.0; id'
wrong 2 "too few" add
wrong 2 "too few" remove
wrong 2 "too many" verify now
wrong 2 "too many" list a b
wrong 2 "unknown option" gc --force
wrong 2 "--port" serve --port 99999
wrong 2 "--port" serve --port 80x
wrong 2 "no IPv4 address" serve --address nowhere
wrong 2 "a site must know where public/ is served" site bundle kbh1 -o x.tar
wrong 2 "nonsense" nonsense
run_exit 1 imagerepo --repo /nonexistent list
run_exit 2 imagerepo

note "a broken repo.conf or index.db stops every command"
cp repo/conf/repo.conf saved.conf
for line in "Suites: ../x" "Colour: red" "no field"; do
	{ cat saved.conf; echo "$line"; } | awk -F: -v n="${line%%:*}" '!($1 == n && !seen++ && NR < 9)' \
		>repo/conf/repo.conf
	run_exit 1 imagerepo add "$good"
	contains err "repo.conf"
done
head -c 20 saved.conf >repo/conf/repo.conf
run_exit 1 imagerepo list
head -c 100000 /dev/zero | tr '\0' '#' >repo/conf/repo.conf
run_exit 1 imagerepo list
cp saved.conf repo/conf/repo.conf
cp repo/index.db saved.db
head -c 5000 /dev/urandom >repo/index.db
run_exit 1 imagerepo add "$good"
contains err "index.db"
cp saved.db repo/index.db
imagerepo verify >/dev/null

note "no key, no publish: the old suite stays"
before=$(tree_hash repo/public/dists)
mkdir -m 700 empty-home
at_exit "GNUPGHOME=$T/empty-home gpgconf --kill all"
GNUPGHOME=$T/empty-home run_exit 1 imagerepo add debs/second_1.0_*
contains err "no secret key"
equal "$(tree_hash repo/public/dists)" "$before" "dists without a key"
imagerepo add debs/second_1.0_* image.deb >/dev/null
imagerepo list >listed
contains listed second
contains listed image
imagerepo verify >/dev/null
