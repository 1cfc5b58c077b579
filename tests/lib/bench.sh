# shellcheck shell=bash
# What the benchmarks share; source after lib.sh. They end with `exit $failed`.
# shellcheck disable=SC2034 # read by who sources this
failed=0

# median FILE: of its numbers, one a line
median()
{
	sort -n "$1" | sed -n "$((($(wc -l <"$1") + 1) / 2))p"
}

# ratio A B: with two digits
ratio()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

# goal TEXT VALUE le|ge LIMIT
goal()
{
	local verdict=FAIL
	awk -v v="$2" -v l="$4" -v op="$3" 'BEGIN { exit !(op == "le" ? v <= l : v >= l) }' &&
		verdict=PASS
	printf '%s  %-58s %8s  (goal %s %s)\n' "$verdict" "$1" "$2" \
		"$([ "$3" = le ] && echo "<=" || echo ">=")" "$4"
	[ $verdict = PASS ] || failed=1
}
