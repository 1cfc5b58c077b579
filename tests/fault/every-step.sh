# shellcheck shell=bash
# Let a program fail or die at every lasting step it makes, and see what is left.
# Source after lib.sh; README.md beside this file tells how to write such a test.

[ -e "$top_builddir/tests/fault/fault.so" ] || skip "fault.so is not built (sanitizers?)"

# How many of a program's steps are tried, spread evenly; FAULT_EXHAUSTIVE=1: all.
: "${FAULT_POINTS:=25}"

# _with_fault PROGRAM HOW AT: run fault_run with the Nth step of PROGRAM hit. Leaves its
# exit status in $fault_status, its output in $T/fault/log, the steps in $T/fault/trail.
_with_fault()
{
	rm -rf "$T/fault"
	mkdir -m 777 "$T/fault"
	install -m 666 /dev/null "$T/fault/trail" # children may be other users
	fault_status=0
	(
		trap - EXIT ERR
		set +eE
		export FAULT_DIR=$T/fault FAULT_PROGRAM=$1 FAULT_HOW=$2 FAULT_AT=$3
		export FAULT_CALLS="$4" LD_PRELOAD=$top_builddir/tests/fault/fault.so
		fault_run
	) >"$T/fault/log" 2>&1 </dev/null || fault_status=$?
}

# steps_seen: how many steps the last _with_fault counted
steps_seen()
{
	[ ! -e "$T/fault/trail" ] || wc -l <"$T/fault/trail"
}

fault_was_hit()
{
	[ -e "$T/fault/trail" ] && grep -q -e '<-- here$' "$T/fault/trail"
}

_fault_fail()
{
	{
		echo "step: $(grep -e '<-- here$' "$T/fault/trail" || echo none)"
		echo "the faulted run (exit $fault_status) said:"
		tail -n 10 "$T/fault/log" | sed 's/^/| /'
	} >&2
	fail "$*"
}

_set_up()
{
	fault_setup >"$T/setup.log" 2>&1 || { cat "$T/setup.log" >&2; fail "fault_setup"; }
}

# _try_step PROGRAM HOW N CALLS: returns 1 if the program has no Nth step
_try_step()
{
	_set_up
	_with_fault "$@"
	local what="$1, $2 at step $3"
	if ! fault_was_hit; then
		[ "$fault_status" = 0 ] || _fault_fail "$what: fails unharmed"
		return 1
	fi
	if declare -F fault_between >/dev/null; then
		(fault_between) || _fault_fail "$what: wrong right after the fault"
	fi
	# Who reports success must have succeeded: no second run needed.
	if [ "$fault_status" != 0 ]; then
		(fault_run) >"$T/again.log" 2>&1 </dev/null || {
			tail -n 10 "$T/again.log" | sed 's/^/> /' >&2
			_fault_fail "$what: the second run fails"
		}
	fi
	(fault_check) || _fault_fail "$what: wrong in the end"
}

# _unharmed PROGRAM CALLS
_unharmed()
{
	_set_up
	_with_fault "$1" count 0 "$2"
	[ "$fault_status" = 0 ] || { cat "$T/fault/log" >&2; fail "$1 fails unharmed"; }
	(fault_check) || fail "$1: wrong in the end although unharmed"
}

# every_step PROGRAM HOW [CALLS]
# PROGRAM: the basename of the program that is hit. HOW: kill-before, kill-after or an
# errno (ENOSPC). CALLS: "fsync,rename,..." (default: all that fault.so knows).
# The caller defines the functions fault_setup (a fresh start), fault_run (the program; it
# returns the program's exit status),
# fault_check (the right end), and perhaps fault_between (what must hold after the fault).
every_step()
{
	local program=$1 how=$2 calls=${3:-} n=1 total stride=1 tried=0
	# Twice: the first run may start what then stays, a gpg-agent say.
	_unharmed "$program" "$calls"
	_unharmed "$program" "$calls"
	total=$(steps_seen)
	[ "${total:-0}" -gt 0 ] || fail "$program made no step that fault.so sees"
	if [ -z "${FAULT_EXHAUSTIVE:-}" ] && [ "$total" -gt "$FAULT_POINTS" ]; then
		stride=$(((total + FAULT_POINTS - 1) / FAULT_POINTS))
	fi
	while _try_step "$program" "$how" "$n" "$calls"; do
		tried=$((tried + 1))
		n=$((n + stride))
	done
	[ "$tried" -gt 0 ] || fail "$program: no step was hit"
	note "$program, $how: $tried of $total steps tried, all end right"
}
