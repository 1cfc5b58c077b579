#!/bin/bash
# The helpers in lib/lib.sh do what they promise.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"

note "a private root takes a package through dpkg and lists what is installed"
make_dpkg_root "$T/root" libfoo=2:1.0-1
deb=$(make_deb "$T" hello 1.0 "Depends: waybill-site, libfoo (>= 2:1.0)")
root_dpkg "$T/root" -i "$deb" >/dev/null 2>err || { cat err; fail "dpkg -i"; }
equal "$(root_status "$T/root" hello)" "install ok installed" "state of hello"
contains root/usr/share/hello/version "hello 1.0"

note "sshd lets a listed key in, and only that"
start_sshd
ssh-keygen -q -t ed25519 -N '' -f key
login=(ssh -F none -i key -p "$SSHD_PORT" -o UserKnownHostsFile="$SSHD_KNOWN_HOSTS"
	-o BatchMode=yes -o IdentitiesOnly=yes "$(id -un)@127.0.0.1")
run_exit 255 "${login[@]}" true
echo "restrict,command=\"echo forced\" $(cat key.pub)" >"$SSHD_AUTHORIZED_KEYS"
run_exit 0 "${login[@]}" true
contains out forced

note "gpg signs with the throwaway key"
make_gnupg signer
echo text | gpg --batch --quiet --clearsign >text.asc
gpgv --quiet --keyring "$T/signer.gpg" text.asc >/dev/null 2>&1 || fail "gpgv refuses"

note "a failing command ends a test, and its directory and processes go"
cat >inner.sh <<'INNER'
. "$top_srcdir/tests/lib/lib.sh"
sleep 1000 &
echo "$T $!" >"$OUTER/inner"
track_pid $!
false
INNER
OUTER=$T run_exit 1 bash "$T/inner.sh"
contains err "inner.sh:5: exit 1: false"
read -r dir pid <inner
[ ! -e "$dir" ] || fail "$dir is still there"
! kill -0 "$pid" 2>/dev/null || fail "process $pid still runs"

note "parallel tests draw different ports"
cat >draw.sh <<'DRAW'
. "$top_srcdir/tests/lib/lib.sh"
for _ in $(seq 20); do free_port; done
echo end
wait_for 30 "the other has drawn, too" eval '[ "$(cat "$OUTER"/drawn.* | grep -c end)" = 3 ]'
DRAW
draws=()
for n in 1 2 3; do
	OUTER=$T timeout 60 bash "$T/draw.sh" >"drawn.$n" &
	draws[n]=$!
done
wait "${draws[@]}"
equal "$(cat drawn.* | grep -c '^2')" 60 "ports drawn"
equal "$(sort drawn.* | grep '^2' | uniq -d)" "" "ports drawn twice"
