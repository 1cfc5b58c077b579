#!/bin/bash
# Each kind of bad list changes nothing, says why and exits 3, and the last good list
# stays; so does a repository that went back in time.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
site_init

add_package askom 1.0
add_package tiny 1
publish
SERIAL=9
assign "musthave: askom"
sync_site
is_installed askom 1.0
OUT=$T/gate/out/site.list
cp "$OUT" "$T/good.list"
cp "$ROOT/var/lib/dpkg/status" "$T/good.status"

# refuses WHAT TEXT: the list that is served now is refused, with TEXT in the reason
refuses()
{
	local what=$1 why=$2
	note "$what"
	run_exit 3 pkgmgr sync --root "$ROOT" --json
	contains "$T/err" "$why"
	contains "$T/out" '"result":"refused"'
	contains "$T/gate/report.json" '"result":"refused"'
	contains "$T/gate/report.json" '"serial":10,'
	cmp -s "$T/good.list" "$ROOT/var/lib/waybill/site.list" || fail "$what: the last good list is gone"
	cmp -s "$T/good.status" "$ROOT/var/lib/dpkg/status" || fail "$what: packages changed"
	run_exit 0 pkgmgr plan --root "$ROOT"
}

: >"$OUT"
refuses "empty" "it is empty"

head -c 200 "$T/good.list" >"$OUT"
refuses "truncated in the text" "signed"

head -c -30 "$T/good.list" >"$OUT"
refuses "truncated in the signature" "sign"

cat "$T/good.list" "$T/good.list" >"$OUT"
refuses "doubled" "the site list is refused"

cp "$T/list.txt" "$OUT"
refuses "unsigned" "signed"

{ echo "musthave: evil"; cat "$T/good.list"; } >"$OUT"
refuses "text before the signed block" "line 1 is not"

{ cat "$T/good.list"; echo "musthave: evil"; } >"$OUT"
refuses "text after the signed block" "follows the end of the signature"

sed 's/^ askom/ askon/' "$T/good.list" >"$OUT"
refuses "altered" "the site list is refused"

assign "musthave: tiny"
sed -i 's/^Serial: .*/Serial: 99/' "$OUT"
refuses "altered serial" "the site list is refused"

rm "$OUT"
refuses "missing" "the server has no site.list"

ln -s /etc/passwd "$OUT"
refuses "a link" "site.list"
rm "$OUT"

LIST_SITE=oslo2 assign "musthave: tiny"
refuses "another site's" "it is for site oslo2, and this is kbh1"

LIST_DATE="-40 days" LIST_UNTIL="-10 days" assign "musthave: tiny"
refuses "expired" "it was valid until"

LIST_DATE="3 days" assign "musthave: tiny"
refuses "dated in the future" "more than a day ahead"

SERIAL=4
assign "musthave: tiny"
refuses "older serial" "its serial 5 (epoch 1) is older than 10"

LIST_EPOCH=0 SERIAL=50 assign "musthave: tiny"
refuses "older epoch" "is older than"

SERIAL=9
assign "musthave: tiny"
refuses "the same serial, other bytes" "but other bytes"

SERIAL=60
assign "musthave: debtags:role::program" "musthave: tiny"
refuses "a parse error" "debtags are not supported"

assign "musthave: tiny" "Params:" " $(printf x | sha256sum | cut -d' ' -f1) 1 tiny"
refuses "parameters that are not there" "params/tiny"

echo y >"$T/gate/out/params/tiny"
refuses "parameters with another hash" "params/tiny"
rm "$T/gate/out/params/tiny"

head -c 1100000 /dev/zero | tr '\0' '#' >"$OUT"
refuses "oversized" "more than 1 MiB"

note "another key"
GOOD_HOME=$GNUPGHOME
make_gnupg stranger
assign "musthave: tiny"
refuses "signed by a key that is not trusted" "the site list is refused"
GNUPGHOME=$GOOD_HOME

note "the good one again: nothing to do"
cp "$T/good.list" "$OUT"
sync_site
contains "$T/out" "nothing to do"

note "a repository that went back in time"
publish "-2 days"
SERIAL=70
rm -rf "$ROOT"/var/lib/apt/lists/*
assign "musthave: tiny" "mayhave: askom"
run_exit 3 pkgmgr sync --root "$ROOT"
contains "$T/err" "is older than the one seen before"
is_installed tiny ""

publish
assign "musthave: tiny" "mayhave: askom" \
	"Repository-Not-Before: $(date -u +%FT%TZ -d '1 hour')"
run_exit 3 pkgmgr sync --root "$ROOT"
contains "$T/err" "Repository-Not-Before"
is_installed tiny ""

note "an InRelease that somebody altered is not believed"
assign "musthave: tiny" "mayhave: askom"
sed -i 's/^Suite: stable/Suite: unstable/' "$T/public/dists/stable/InRelease"
date_anew "$T/public/dists/stable/InRelease"
run_exit 3 pkgmgr sync --root "$ROOT"
contains "$T/err" "not believed"
is_installed tiny ""

publish
sync_site
is_installed tiny 1
is_installed askom 1.0
