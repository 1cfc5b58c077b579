#!/bin/bash
# What pkgmgr is told wrongly: a clear message, the right exit, nothing changed. And what
# `verify` notices.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
site_init
add_package askom 1.0
publish
CONF=$ROOT/etc/waybill/pkgmgr.conf

# refuses STATUS TEXT ARGUMENT...: exits so, says TEXT, changes nothing
refuses()
{
	local status=$1 text=$2 before
	shift 2
	note "$*"
	before=$(tree_hash "$ROOT")
	run_exit "$status" pkgmgr "$@"
	contains "$T/err" "$text"
	equal "$(tree_hash "$ROOT")" "$before" "the root after pkgmgr $*"
}

refuses 2 "frobnicate" frobnicate --root "$ROOT"
refuses 2 "frobnicate" sync --frobnicate --root "$ROOT"
refuses 2 "too many arguments" sync extra --root "$ROOT"
refuses 2 "too many arguments" plan extra --root "$ROOT"
refuses 2 "too many arguments" status extra --root "$ROOT"
refuses 2 "too many arguments" verify extra --root "$ROOT"
refuses 2 "--limit" history --limit 0 --root "$ROOT"
refuses 2 "--limit" history --limit 99999999999999999999 --root "$ROOT"
refuses 2 "--limit" history --limit x --root "$ROOT"
refuses 2 "limit" history --root "$ROOT" --limit
refuses 1 "no-such-root" sync --root "$T/no-such-root"

note "wrong configurations"
cp "$CONF" "$T/good.conf"
while IFS= read -r line; do
	sed "s|^${line%%:*}: .*|$line|" "$T/good.conf" >"$CONF"
	grep -qF "$line" "$CONF" || echo "$line" >>"$CONF"
	refuses 2 "pkgmgr.conf" sync --root "$ROOT"
done <<-'LINES'
	Site: ../etc
	Server: -oProxyCommand=touch${IFS}/tmp/x@host
	Server: root@host;reboot
	Port: 70000
	Timeout: soon
	Fetch-User: $(id)
	Ssh-Key: /etc/a key
	Sneaky: yes
LINES
head -c 40 "$T/good.conf" >"$CONF"
refuses 2 "pkgmgr.conf" sync --root "$ROOT"
head -c 100000 /dev/zero | tr '\0' 'x' >"$CONF"
refuses 2 "pkgmgr.conf" sync --root "$ROOT"
rm "$CONF"
refuses 2 "not configured" sync --root "$ROOT"
cp "$T/good.conf" "$CONF"

note "before the first list"
run_exit 1 pkgmgr plan --root "$ROOT"
contains "$T/err" "no list yet"
run_exit 0 pkgmgr status --root "$ROOT"
contains "$T/out" "no list yet"

note "another host key than the pinned one"
assign "musthave: askom"
cp "$ROOT/etc/waybill/ssh/known_hosts" "$T/known_hosts"
ssh-keygen -q -t ed25519 -N '' -f "$T/other_key"
sed "s|ssh-ed25519 .*|$(cut -d' ' -f1,2 "$T/other_key.pub")|" "$T/known_hosts" \
	>"$ROOT/etc/waybill/ssh/known_hosts"
run_exit 1 pkgmgr sync --root "$ROOT"
contains "$T/err" "cannot fetch the site's list"
is_installed askom ""
cp "$T/known_hosts" "$ROOT/etc/waybill/ssh/known_hosts"

note "no list keys"
mv "$ROOT/etc/waybill/trust.d/site-list.gpg" "$T/keys"
run_exit 3 pkgmgr sync --root "$ROOT"
contains "$T/err" "site-list.gpg"
mv "$T/keys" "$ROOT/etc/waybill/trust.d/site-list.gpg"

note "a state.db of the future, and one that is none"
sync_site
cp "$ROOT/var/lib/waybill/state.db" "$T/state.db"
sqlite3 "$ROOT/var/lib/waybill/state.db" "PRAGMA user_version = 99"
run_exit 1 pkgmgr sync --root "$ROOT"
contains "$T/err" "schema 99"
head -c 5000 /dev/urandom >"$ROOT/var/lib/waybill/state.db"
run_exit 1 pkgmgr status --root "$ROOT"
contains "$T/err" "state.db"
cp "$T/state.db" "$ROOT/var/lib/waybill/state.db"

note "verify: a changed file, a changed list, a changed base"
run_exit 0 pkgmgr verify --root "$ROOT"
echo changed >>"$ROOT/usr/share/askom/version"
run_exit 1 pkgmgr verify --root "$ROOT"
contains "$T/out" "/usr/share/askom/version"
echo "askom 1.0" >"$ROOT/usr/share/askom/version"
run_exit 0 pkgmgr verify --root "$ROOT"

sed -i 's/^ askom$/ askon/' "$ROOT/var/lib/waybill/site.list"
run_exit 1 pkgmgr verify --root "$ROOT" --json
contains "$T/out" "site.list"
run_exit 3 pkgmgr plan --root "$ROOT"
cp "$T/gate/out/site.list" "$ROOT/var/lib/waybill/site.list"

mkdir -p "$ROOT/var/lib/waybill/bases"
echo base >"$T/base"
SHA=$(sha256sum <"$T/base" | cut -d' ' -f1)
cp "$T/base" "$ROOT/var/lib/waybill/bases/$SHA.qcow2"
sqlite3 "$ROOT/var/lib/waybill/state.db" \
	"INSERT INTO base VALUES ('$SHA', 'askom', '1.0', 5, 0)"
run_exit 0 pkgmgr verify --root "$ROOT"
echo esab >"$ROOT/var/lib/waybill/bases/$SHA.qcow2"
run_exit 1 pkgmgr verify --root "$ROOT"
contains "$T/out" "$SHA.qcow2 has other bytes"
