#!/bin/bash
# A disk that fills up: bases that are only kept for a rollback go, the oldest first, before a
# sync is given up or anybody is told; what an instance uses stays.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
need sqlite3
site_init
state=$ROOT/var/lib/waybill
db=$state/state.db
mount -t tmpfs -o size=256m waybill-test "$state" || skip "cannot mount a tmpfs"
at_exit "umount '$state' 2>/dev/null"
publish
assign "Min-Free: 10M"
sync_site
contains "$T/gate/report.json" '"attention":[]'

# base NAME DAYS: 40 MB in the store, that old; sets $NAME to its path
base()
{
	local file=$state/bases/new sha256
	mkdir -p "$state/bases"
	{ echo "$1" && head -c 41943040 /dev/zero; } >"$file"
	sha256=$(sha256sum <"$file" | cut -d' ' -f1)
	mv "$file" "$state/bases/$sha256.qcow2"
	sqlite3 "$db" "INSERT INTO base (sha256, appliance, version, size_bytes, added_at)
		VALUES ('$sha256', 'askom', '$1', 41943040, strftime('%s', 'now', '-$2 days'))"
	eval "$1=\$state/bases/\$sha256.qcow2"
}
# there FILE..., gone FILE...
there() { for f; do [ -e "$f" ] || fail "$f has gone"; done; }
gone() { for f; do [ ! -e "$f" ] || fail "$f is still there"; done; }
gc() { run_exit 0 appliance --root "$ROOT" gc --until-free "$1"; }

note "gc --until-free: as few as will do, the oldest first, none that is used"
base newest 1
base oldest 9
base middle 5
base used 20
# shellcheck disable=SC2154 # base sets them
sqlite3 "$db" "INSERT INTO instance (name, appliance, wanted_state, unit, updated_at, good_base)
	VALUES ('askom', 'askom', 'running', 'askom', 0, '$(basename "$used" .qcow2)')"
# shellcheck disable=SC2154
gc 80M
contains out "removed 0 bases"
there "$newest" "$middle" "$oldest" "$used"
gc 120M
contains out "removed 1 base, 40"
gone "$oldest"
there "$newest" "$middle" "$used"
run_exit 0 appliance --root "$ROOT" --json gc --until-free 10G
contains out '"removed_bases":2'
gone "$newest" "$middle"
there "$used"
run_exit 2 appliance --root "$ROOT" gc --until-free much
contains err "until-free"
run_exit 2 appliance --root "$ROOT" gc --until-free 1G --keep 2
contains err "contradict"
sqlite3 "$db" "DELETE FROM instance"
rm "$used"
sqlite3 "$db" "DELETE FROM base"

note "a sync that needs room makes it"
base newest 1
base middle 5
base oldest 9
add_package large 1 "Installed-Size: 100000"
add_package huge 1 "Installed-Size: 400000"
publish
assign "musthave: large" "Min-Free: 10M"
sync_site
is_installed large 1
gone "$oldest"
there "$newest" "$middle"

note "one that nothing helps gives up before it fetches"
assign "musthave: large" "musthave: huge" "Min-Free: 10M"
: >"$T/web/access.log"
run_exit 1 pkgmgr sync --root "$ROOT"
contains err "unpacking packages needs"
contains err "nothing was fetched"
lacks "$T/web/access.log" "pool/huge"
gone "$newest" "$middle"
is_installed huge ""

note "Min-Free: bases go first, then the operator hears of it"
base newest 1
base oldest 9
assign "musthave: large" "Min-Free: 200M"
sync_site
gone "$oldest"
there "$newest"
contains "$T/gate/report.json" '"attention":[]'
assign "musthave: large" "Min-Free: 1T"
sync_site
gone "$newest"
contains err "the disk is filling up"
contains "$T/gate/report.json" "the disk is filling up: "
contains "$T/gate/report.json" "less than Min-Free 1.0 TiB"
run_exit 0 pkgmgr status --root "$ROOT"
contains out "attention   the disk is filling up: "
run_exit 0 pkgmgr status --json --root "$ROOT"
contains out '"attention":["the disk is filling up: '

note "pkgmgrd sees it between two syncs, and does not ask again at once"
mkdir bin
printf '#!/bin/sh\necho "$*" >>%s/ran\n' "$T" >bin/appliance
printf '#!/bin/sh\n' >bin/pkgmgr
chmod 755 bin/*
: >ran
PATH=$T/bin:$PATH pkgmgrd --root "$ROOT" run 2>daemon.log &
track_pid $!
wait_for 15 "gc" grep -q gc ran
equal "$(cat ran)" "--quiet --root $ROOT gc --until-free 1099511627776" "what pkgmgrd runs"
contains daemon.log "space-low"
for _ in 1 2 3; do
	pkgmgrd --root "$ROOT" status >/dev/null
done
equal "$(wc -l <ran)" 1 "times that it was run"
