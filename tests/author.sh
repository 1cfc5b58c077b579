#!/bin/bash
# House rules that a machine can check, over the files git tracks: make check-author
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need cppcheck shellcheck codespell ctags git
cd "$top_srcdir"
git rev-parse --git-dir >/dev/null 2>&1 || skip "not a git checkout"
# What finds something exits non-zero, and what finds nothing as well: rule() judges.
set +eE +o pipefail

# tracked PATTERN...: one name a line
tracked()
{
	git ls-files -- "$@"
}

# rule NAME: read offences from standard input; any is a failure
rule()
{
	local offences
	offences=$(cat)
	[ -n "$offences" ] || return 0
	printf '%s:\n%s\n' "$1" "$offences" >&2
	touch "$T/wrong"
}

shell_scripts()
{
	tracked '*.sh' '*.bash' | grep -v '^run\.in$'
	tracked | while read -r file; do
		case $file in
		*.sh | *.bash) ;;
		*) ! head -c 20 "$file" | grep -qaE '^#! ?/bin/(ba)?sh' || echo "$file" ;;
		esac
	done
}

# Lines of each C and C++ function: "lines file:line name"
function_lengths()
{
	tracked '*.c' '*.cc' | ctags -f - --fields=+ne --kinds-C=f --kinds-C++=f -L - |
		awk -F'\t' '{
			first = last = 0
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/) first = substr($i, 6)
				if ($i ~ /^end:/) last = substr($i, 5)
			}
			print last - first + 1, $2 ":" first, $1
		}'
}

# Hosts that this machine gets its packages from: no business of anybody else's.
package_hosts()
{
	{
		cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true
		npm config get registry 2>/dev/null || true
	} | grep -v '^#' | grep -hoE 'https?://[^/ ]+' | sed 's#.*://##' | sort -u
}

# varFuncNullUB: NULL is a pointer in C here, and gcc checks the sentinel.
note "cppcheck"
tracked '*.c' | xargs cppcheck --quiet --std=c11 --enable=warning,performance,portability \
	--inline-suppr --suppress=missingInclude --suppress=varFuncNullUB \
	--template='{file}:{line}: {id}: {message}' \
	-I. -D_GNU_SOURCE -j2 2>&1 | rule "cppcheck"

note "shellcheck"
shell_scripts | sort -u | xargs shellcheck -f gcc 2>&1 | rule "shellcheck"

note "codespell"
tracked | grep -v -e '^COPYING$' -e '^debian/copyright$' -e '^fuzz/corpus/' |
	xargs codespell 2>&1 | rule "codespell"

note "lengths"
function_lengths | awk '$1 > 100' | sort -rn | rule "functions over 100 lines"
tracked '*.c' '*.cc' '*.h' | xargs awk 'length > 110 { print FILENAME ":" FNR }' |
	rule "lines over 110 columns"

note "no shell in a program"
git grep -nE '\b(system|popen)[[:space:]]*\(' -- '*.c' '*.cc' | rule "system() or popen()"
git grep -nE '"-c"' -- '*.c' '*.cc' ':!*test-*' | grep -E '"(/bin/)?(ba)?sh"' | rule "sh -c"

note "leaks"
for host in $(package_hosts); do
	git grep -nIF -e "$host" -- .
done | rule "names a package host of this machine"
for word in TODO FIXME XXX; do
	git grep -nIw -e "$word" -- . ':!tests/author.sh'
done | rule "unfinished"

[ ! -e "$T/wrong" ] || fail "see above"
