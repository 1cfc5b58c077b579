#!/bin/bash
# The fault harness hits what it says it hits, and finds what it is there to find. The
# victim is SQLite's own shell, which gets it right, and a shell script's mv, which does not.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/fault/every-step.sh"
need sqlite3

fault_setup()
{
	rm -f db db-journal
	sqlite3 db 'CREATE TABLE t (a); INSERT INTO t VALUES ("old");'
}
fault_run() { sqlite3 -bail db 'UPDATE t SET a = "new";'; }
value() { sqlite3 db 'PRAGMA integrity_check; SELECT a FROM t;' | paste -sd' '; }
fault_between() { [[ $(value) =~ ^ok\ (old|new)$ ]]; }
fault_check() { [ "$(value)" = "ok new" ]; }

note "SQLite's writes, syncs and unlinks are seen, and it survives death at each"
FAULT_EXHAUSTIVE=1
every_step sqlite3 kill-before
every_step sqlite3 kill-after
every_step sqlite3 ENOSPC pwrite64
# shellcheck disable=SC2218 # it is defined twice
fault_setup
_with_fault sqlite3 count 0 ""
for call in pwrite64 fdatasync unlink; do
	grep -q "^[0-9]* $call " "$T/fault/trail" || fail "$call of sqlite3 is not seen"
done

note "an update in two steps is found out"
fault_setup() { rm -f b a.link; echo old >a; }
fault_run() { ln -f a a.link && rm a && mv a.link b; }
fault_between() { [ -e a ] || [ ! -e a.link ]; }
if (every_step rm kill-after unlinkat) 2>found; then
	fail "a lost file went unnoticed"
fi
contains found "rm, kill-after at step 1: wrong right after the fault"
