# shellcheck shell=bash
# What every test script starts with:
#
#     #!/bin/bash
#     . "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
#
# The script then runs with `set -Eeuo pipefail` in a directory of its own below
# /var/tmp ($T, where libvirt's qemu user can read), with the programs of the build
# tree first in PATH. $T goes when the script ends, and so does what was given to
# at_exit and track_pid. Exit 0 pass, 77 skip, 99 the set-up broke, else fail.
# By hand: top_builddir=build tests/x.sh; KEEP=1 keeps $T.
set -Eeuo pipefail

top_srcdir=$(cd "${top_srcdir:-$(dirname "$0")/..}" && pwd)
top_builddir=$(cd "${top_builddir:-$top_srcdir/build}" && pwd)
for _dir in remote preseed pkgmgr repo-tools imagepkg hostconfig appliance; do
	PATH=$top_builddir/$_dir:$PATH
done
export PATH top_srcdir top_builddir WAYBILL_DATADIR="$top_srcdir/imagepkg"
export WAYBILL_PRESEED_DIR="$top_srcdir/preseed"
export LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1
unset GNUPGHOME XDG_RUNTIME_DIR
umask 022

TEST_NAME=$(basename "$0" .sh)
T=$(mktemp -d "/var/tmp/waybill-$TEST_NAME.XXXXXX")
chmod 755 "$T"
cd "$T"

# --- the end ---------------------------------------------------------------

_at_exit=
_pids=

# at_exit 'SHELL CODE': run when the script ends, last given first.
at_exit()
{
	_at_exit="$1
$_at_exit"
}

# track_pid PID: end this process when the script ends.
track_pid()
{
	_pids="$1 $_pids"
}

# stop_pid PID [SIGNAL]: end it now and wait until it is gone, at most 10 s.
stop_pid()
{
	kill -"${2:-TERM}" "$1" 2>/dev/null || return 0
	local _
	for _ in $(seq 100); do
		kill -0 "$1" 2>/dev/null || return 0
		# A child of ours that has ended stays until it is waited for.
		if [ "$(ps -o stat= -p "$1" 2>/dev/null | cut -c1)" = Z ]; then
			wait "$1" 2>/dev/null || true
			return 0
		fi
		sleep 0.1
	done
	kill -KILL "$1" 2>/dev/null || true
}

_cleanup()
{
	local status=$? pid
	trap - EXIT ERR
	set +e
	eval "$_at_exit"
	for pid in $_pids; do
		stop_pid "$pid"
	done
	cd /
	if [ -n "${KEEP:-}" ]; then
		echo "kept: $T" >&2
	else
		rm -rf --one-file-system "$T"
	fi
	exit $status
}
trap _cleanup EXIT
trap 'exit 130' INT TERM HUP
trap 'echo "${BASH_SOURCE[0]##*/}:$LINENO: exit $?: $BASH_COMMAND" >&2' ERR

fail()
{
	echo "FAIL ($TEST_NAME.sh:${BASH_LINENO[-2]}): $*" >&2
	exit 1
}

# skip REASON: ./check shows the reason.
skip()
{
	echo "SKIP: $*" >&2
	exit 77
}

note()
{
	echo "--- $*" >&2
}

need_root()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# need PROGRAM...: skip unless all are installed.
need()
{
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# --- asking and waiting ----------------------------------------------------

# wait_for SECONDS WHAT COMMAND...: until COMMAND succeeds; fails with WHAT.
wait_for()
{
	local seconds=$1 what=$2 end
	shift 2
	end=$(($(date +%s) + seconds))
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || fail "after $seconds s still not: $what"
		sleep 0.1
	done
}

# run_exit STATUS COMMAND...: the command must exit so. Its output is left in
# $T/out and $T/err.
run_exit()
{
	local want=$1 got=0
	shift
	"$@" >"$T/out" 2>"$T/err" </dev/null || got=$?
	[ "$got" = "$want" ] && return
	cat "$T/out" "$T/err" >&2
	fail "exit $got, not $want: $*"
}

# contains FILE TEXT: FILE has a line with TEXT (no pattern) in it.
contains()
{
	grep -qF -e "$2" "$1" && return
	sed 's/^/| /' "$1" >&2
	fail "not in $1: $2"
}

# lacks FILE TEXT
lacks()
{
	! grep -qF -e "$2" "$1" && return
	sed 's/^/| /' "$1" >&2
	fail "must not be in $1: $2"
}

# equal GOT WANT WHAT
equal()
{
	[ "$1" = "$2" ] || fail "$3: '$1', not '$2'"
}

# tree_hash DIR: changes when a name, mode, owner, link or content below DIR does.
tree_hash()
{
	(cd "$1" && find . -printf '%P %m %U %G %l\n' | sort &&
		find . -type f -print0 | sort -z | xargs -0r sha256sum) | sha256sum
}

# The ports of this test: the first block of 50 in 20000..29999 (below what the kernel gives
# to outgoing connections) that no other test holds. The lock goes with the last process
# that inherits it, so with the last that may listen. Its file lists the ports drawn.
_port_blocks=/tmp/waybill-ports.$(id -u)
_take_port_block()
{
	mkdir -p "$_port_blocks"
	for _port_block in $(seq 0 199); do
		exec {_port_lock}>>"$_port_blocks/$_port_block"
		if flock -n "$_port_lock"; then
			: >"$_port_blocks/$_port_block"
			return
		fi
		exec {_port_lock}>&-
	done
	echo "all blocks of ports are taken: see $_port_blocks" >&2
	exit 99
}
_take_port_block

# free_port: a TCP port of 127.0.0.1 that nobody listens on and that no test draws again
# while this one runs.
free_port()
{
	local drawn=$_port_blocks/$_port_block port _
	for _ in $(seq 50); do
		port=$((20000 + 50 * _port_block + $(wc -l <"$drawn")))
		echo "$port" >>"$drawn"
		[ "$port" -lt $((20050 + 50 * _port_block)) ] || break
		if ! listens "$port"; then
			echo "$port"
			return
		fi
	done
	fail "no free port"
}

listens()
{
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# --- peers -----------------------------------------------------------------

# start_sshd [CONFIG LINE...]: an sshd of our own on a loopback port. Sets
# SSHD_PORT, SSHD_DIR (its keys and log), SSHD_AUTHORIZED_KEYS (empty at first; any
# user), SSHD_KNOWN_HOSTS (a line for [127.0.0.1]:PORT).
start_sshd()
{
	need /usr/sbin/sshd ssh-keygen
	SSHD_DIR=$(mktemp -d "$T/sshd.XXXXXX")
	SSHD_PORT=$(free_port)
	SSHD_AUTHORIZED_KEYS=$SSHD_DIR/authorized_keys
	SSHD_KNOWN_HOSTS=$SSHD_DIR/known_hosts
	chmod 755 "$SSHD_DIR"
	ssh-keygen -q -t ed25519 -N '' -C test-host -f "$SSHD_DIR/host_key"
	: >"$SSHD_AUTHORIZED_KEYS"
	echo "[127.0.0.1]:$SSHD_PORT $(cut -d' ' -f1,2 "$SSHD_DIR/host_key.pub")" \
		>"$SSHD_KNOWN_HOSTS"
	cat >"$SSHD_DIR/config" <<-CONFIG
		ListenAddress 127.0.0.1:$SSHD_PORT
		HostKey $SSHD_DIR/host_key
		AuthorizedKeysFile $SSHD_AUTHORIZED_KEYS
		PidFile $SSHD_DIR/pid
		AuthenticationMethods publickey
		PermitRootLogin yes
		StrictModes no
		UsePAM no
		LogLevel VERBOSE
	CONFIG
	[ $# = 0 ] || printf '%s\n' "$@" >>"$SSHD_DIR/config"
	mkdir -p /run/sshd # sshd's privilege separation directory; no service made it
	/usr/sbin/sshd -D -f "$SSHD_DIR/config" -E "$SSHD_DIR/log" </dev/null &
	track_pid $!
	wait_for 30 "sshd listens" listens "$SSHD_PORT"
}

# start_enrolling_sshd [NAME=VALUE...]: an sshd that asks imagerepo-gate what a key may do. It takes only a
# program that nobody but root could have replaced, so the gate is copied to /run. The
# repository is $WAYBILL_REPO, which may come later. The gate gets these variables.
start_enrolling_sshd()
{
	need_root
	local gate
	gate=$(mktemp -d /run/waybill-gate.XXXXXX)
	at_exit "rm -rf $gate"
	chmod 755 "$gate"
	cp "$top_builddir/repo-tools/imagerepo-gate" "$gate/"
	start_sshd "SetEnv PATH=$PATH $*" \
		"AuthorizedKeysCommand $gate/imagerepo-gate --repo $WAYBILL_REPO --keys %f %t %k" \
		"AuthorizedKeysCommandUser root"
}

# need_libvirt: qemu:///system answers. Daemons started for it stay for the other
# tests; `tests/lib/libvirt-daemons stop` ends them, and ./check does that.
need_libvirt()
{
	need_root
	need virsh libvirtd virtlogd qemu-system-x86_64
	"$top_srcdir/tests/lib/libvirt-daemons" start >/dev/null {_port_lock}>&-
}

# make_gnupg NAME: a GNUPGHOME (exported) with an unprotected ed25519 signing key.
# Sets KEY_FPR; writes the public key to $T/NAME.gpg.
make_gnupg()
{
	need gpg
	GNUPGHOME=$(mktemp -d "$T/gnupg.XXXXXX")
	export GNUPGHOME
	printf 'quiet\ntrust-model always\n' >"$GNUPGHOME/gpg.conf"
	at_exit "GNUPGHOME=$GNUPGHOME gpgconf --kill all"
	gpg --batch --quiet --passphrase '' --quick-generate-key \
		"$1 (test) <$1@waybill.test>" ed25519 sign never 2>>"$T/gnupg.log"
	KEY_FPR=$(gpg --batch --with-colons --list-keys | awk -F: '$1 == "fpr" { print $10; exit }')
	gpg --batch --export "$KEY_FPR" >"$T/$1.gpg"
}

# --- packages --------------------------------------------------------------

# The version that ./configure was made with.
waybill_version()
{
	sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' "$top_builddir/config.h"
}

# make_dpkg_root DIR [NAME=VERSION...]: a private root (tests/lib/dpkg-root) in which
# waybill-site and the other packages named count as installed.
make_dpkg_root()
{
	local root=$1
	shift
	"$top_srcdir/tests/lib/dpkg-root" "$root" "waybill-site=$(waybill_version)" "$@"
}

# root_dpkg DIR ARGUMENT...: the real dpkg on a private root; maintainer scripts run on
# this host with DPKG_ROOT=DIR.
root_dpkg()
{
	local root=$1
	shift
	dpkg --root="$root" --force-script-chrootless --force-not-root "$@"
}

# root_status DIR PACKAGE: "install ok installed", "deinstall ok config-files", ...; empty
# if dpkg does not know it.
root_status()
{
	# shellcheck disable=SC2016 # dpkg's own ${}
	dpkg-query --admindir="$1/var/lib/dpkg" -W -f '${Status}' "$2" 2>/dev/null || true
}

# make_deb DIR NAME VERSION [FIELD LINE...]: a small package with one file in
# /usr/share/NAME. Prints its path. Executable files preinst, postinst, ... in
# $MAINTSCRIPTS, if set, go into it.
make_deb()
{
	local dir=$1 name=$2 version=$3 tree
	shift 3
	tree=$(mktemp -d "$T/deb.XXXXXX")
	chmod 755 "$tree"
	mkdir -p "$tree/DEBIAN" "$tree/usr/share/$name" "$dir"
	echo "$name $version" >"$tree/usr/share/$name/version"
	cat >"$tree/DEBIAN/control" <<-CONTROL
		Package: $name
		Version: $version
		Architecture: $(dpkg --print-architecture)
		Maintainer: Waybill tests <tests@waybill.test>
		Description: a test package
	CONTROL
	[ $# = 0 ] || printf '%s\n' "$@" >>"$tree/DEBIAN/control"
	[ -z "${MAINTSCRIPTS:-}" ] || cp "$MAINTSCRIPTS"/* "$tree/DEBIAN/"
	dpkg-deb --root-owner-group -Zgzip -b "$tree" "$dir" >/dev/null
	rm -rf "$tree"
	echo "$dir/${name}_${version#*:}_$(dpkg --print-architecture).deb"
}

# private_apt SOURCE LINE...: from now on apt has these sources, what it keeps is in $T/apt, and
# this machine's configuration is not read, its proxy neither.
private_apt()
{
	mkdir -p apt/state/lists/partial apt/cache/archives/partial
	: >apt/status
	printf '%s\n' "$@" >apt/sources.list
	cat >apt.conf <<-CONF
		Dir::State "$T/apt/state";
		Dir::State::status "$T/apt/status";
		Dir::Cache "$T/apt/cache";
		Dir::Etc::sourcelist "$T/apt/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::main "/dev/null";
		Dir::Etc::parts "/dev/null";
		APT::Sandbox::User "root";
	CONF
	export APT_CONFIG=$T/apt.conf
}
