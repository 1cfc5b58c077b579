#!/bin/bash
# Other people's tools read our repository: apt with nothing but a .sources file and
# Signed-By (over HTTP from `imagerepo serve`), aptly mirror, reprepro update.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need apt-get gpg aptly reprepro

make_gnupg repo-apt
make_deb debs hello 1.0 "Section: misc" "Priority: optional" >/dev/null
make_deb debs hello 1.1~rc1+b1 "Section: misc" "Priority: optional" >/dev/null
make_deb debs hello 2:0.9 "Section: misc" "Priority: optional" >/dev/null
make_deb debs other 1 "Section: misc" "Priority: optional" "Depends: hello (>= 1.0)" >/dev/null
export WAYBILL_REPO=$T/repo
imagerepo init --key "$KEY_FPR" --suite stable --suite testing >/dev/null
imagerepo add debs/*.deb >/dev/null

imagerepo serve --port 0 >served 2>serve.err &
track_pid $!
wait_for 10 "the web server says where it is" grep -q http:// served
url=$(grep -o 'http://[0-9.:]*' served)

# of_apt ARGUMENT...: apt-get or apt-cache with all its state below $T/apt
of_apt()
{
	local program=$1
	shift
	"$program" -q -o Dir="$T/apt" -o Dir::State::status="$T/apt/status" \
		-o Dir::Etc::trusted=/nonexistent -o Dir::Etc::trustedparts=/nonexistent \
		-o APT::Architecture="$(dpkg --print-architecture)" \
		-o APT::Sandbox::User=root -o Dir::Log="$T/apt" "$@"
}
mkdir -p apt/etc/apt/sources.list.d apt/etc/apt/preferences.d apt/etc/apt/apt.conf.d \
	apt/var/lib/apt/lists/partial apt/var/cache/apt/archives/partial
: >apt/status
cat >apt/etc/apt/sources.list.d/waybill.sources <<-SOURCES
	Types: deb
	URIs: $url
	Suites: stable
	Components: main
	Signed-By: $T/repo/conf/trust/repository.gpg
SOURCES

note "apt-get update, policy, download of the newest and of a pinned old version"
of_apt apt-get update >update.log 2>&1 || { cat update.log >&2; fail "apt-get update"; }
lacks update.log "W:"
lacks update.log "E:"
contains update.log "stable InRelease"
of_apt apt-get install --print-uris other >uris 2>&1
contains uris "other_1_"
contains uris "hello_0.9_"
mkdir got
(cd got && of_apt apt-get download hello=1.0 hello=1.1~rc1+b1 other) >download.log 2>&1 ||
	{ cat download.log >&2; fail "apt-get download"; }
# apt names what it saves in its own way, so contents are compared.
equal "$(sha256sum got/*.deb | cut -d' ' -f1 | sort)" \
	"$(sha256sum debs/hello_1.0_*.deb debs/hello_1.1* debs/other* | cut -d' ' -f1 | sort)" \
	"what apt downloaded"
of_apt apt-cache show hello=1.0 >stanza
contains stanza "Image-Control-SHA256: $(ar p debs/hello_1.0_*.deb control.tar.gz | sha256sum | cut -d' ' -f1)"

note "a second update is a cache hit; after a publish in the same second it is not"
of_apt apt-get update >again.log 2>&1
contains again.log "Hit:1 $url stable InRelease"
make_deb debs hello 3.0 >/dev/null
imagerepo add debs/hello_3.0_*.deb >/dev/null
of_apt apt-get update >third.log 2>&1
contains third.log "Get:1 $url stable InRelease"
of_apt apt-cache policy hello >policy.out
contains policy.out "3.0"

note "apt refuses a suite that another key signed, and one that was altered"
cp repo/conf/trust/repository.gpg good.gpg
mkdir -m 700 strange
at_exit "GNUPGHOME=$T/strange gpgconf --kill all"
GNUPGHOME=$T/strange gpg --batch --quiet --passphrase '' --quick-generate-key strange ed25519 2>/dev/null
GNUPGHOME=$T/strange gpg --batch --export >strange.gpg
sed -i "s#^Signed-By:.*#Signed-By: $T/strange.gpg#" apt/etc/apt/sources.list.d/waybill.sources
rm -rf apt/var/lib/apt/lists
mkdir -p apt/var/lib/apt/lists/partial
run_exit 100 of_apt apt-get update
contains out "NO_PUBKEY"

note "aptly mirrors the packages"
cat >aptly.conf <<-CONF
	{ "rootDir": "$T/aptly", "architectures": ["$(dpkg --print-architecture)"],
	  "gpgProvider": "gpg" }
CONF
gpg --batch --quiet --no-default-keyring --keyring "$T/trust.kbx" --import good.gpg 2>gpg.log
aptly -config=aptly.conf mirror create -keyring="$T/trust.kbx" waybill "$url" stable >aptly.log 2>&1 ||
	{ cat aptly.log >&2; fail "aptly mirror create"; }
aptly -config=aptly.conf mirror update -keyring="$T/trust.kbx" waybill >>aptly.log 2>&1 ||
	{ cat aptly.log >&2; fail "aptly mirror update"; }
aptly -config=aptly.conf mirror show -with-packages waybill >aptly.show
arch=$(dpkg --print-architecture)
for package in hello_1.0 hello_1.1~rc1+b1 hello_2:0.9 hello_3.0 other_1; do
	contains aptly.show "${package}_$arch"
done

note "reprepro mirrors the packages"
mkdir -p reprepro/conf
cat >reprepro/conf/distributions <<-CONF
	Codename: stable
	Architectures: $arch
	Components: main
	Update: waybill
CONF
cat >reprepro/conf/updates <<-CONF
	Name: waybill
	Method: $url
	Suite: stable
	Components: main
	Architectures: $arch
	VerifyRelease: ${KEY_FPR: -16}
CONF
reprepro -b "$T/reprepro" --noskipold update stable >reprepro.log 2>&1 ||
	{ cat reprepro.log >&2; fail "reprepro update"; }
reprepro -b "$T/reprepro" list stable >reprepro.list
contains reprepro.list "other 1"
contains reprepro.list "hello 2:0.9"
