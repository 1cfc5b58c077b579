#!/bin/bash
# Every unit test once under valgrind: no invalid access, no leak. make check-valgrind
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need valgrind
ran=0
failed=

# under_valgrind COMPONENT PROGRAM
under_valgrind()
{
	(
		srcdir=$top_srcdir/$1
		export srcdir top_srcdir top_builddir WAYBILL_VALGRIND=1
		cd "$top_builddir/$1"
		valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
			--suppressions="$top_srcdir/tests/lib/valgrind.supp" "$2" >"$T/log" 2>&1
	)
}

for program in "$top_builddir"/{common,appliance,imagepkg,repo-tools,pkgmgr}/test-*; do
	[ -f "$program" ] && [ -x "$program" ] || continue
	note "${program#"$top_builddir"/}"
	ran=$((ran + 1))
	status=0
	under_valgrind "$(basename "$(dirname "$program")")" "$program" || status=$?
	case $status in
	0 | 77) ;;
	*)
		failed="$failed ${program##*/}"
		grep -A25 '==' "$T/log" | head -60 >&2 || tail -20 "$T/log" >&2
		;;
	esac
done
[ $ran -gt 0 ] || fail "there is no unit test in $top_builddir"
[ -z "$failed" ] || fail "under valgrind:$failed"
