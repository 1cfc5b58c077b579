# shellcheck shell=bash
# What reaches a parser, and when it was hashed: pkgmgr and what it runs under tests/fault/order.c.
# Source after site_init. `"${WATCH[@]}" pkgmgr ...` writes to $TRACE what it opens and hashes. Built
# with sanitizers there is no order.so: then $ORDER_SO is empty, and nothing is watched.
# shellcheck disable=SC2034,SC2154 # read by who sources this; $T and more come from lib.sh
ORDER_SO=$top_builddir/tests/fault/order.so
TRACE=$T/trace
WATCH=(env LD_PRELOAD="$ORDER_SO" WAYBILL_ORDER_LOG="$TRACE"
	WAYBILL_ORDER_DIR="$ROOT/var/cache/waybill/archives")
if [ ! -e "$ORDER_SO" ]; then
	ORDER_SO=
	WATCH=(env)
fi

# check_order TRACE: each package that another program than pkgmgr opens has been hashed by pkgmgr
# since it was last open for writing, to the hash that its name says, twice: once when it was
# complete, once more right before. pkgmgr opens a delta or a list of them only then, or to hash it: that is
# next, and gives what its name says or what a line "damaged HASH" has. Prints how many programs
# opened a package and how often a delta was opened.
check_order()
{
	awk '
	function name(path) { sub(/.*\//, "", path); return path }
	function complain(line) { print line >"/dev/stderr"; wrong = 1 }
	$1 == "damaged" { damaged[$2] = 1; next }
	$2 == "digest" {
		if (hashing && $3 != hashing && !($3 in damaged))
			complain("opened by pkgmgr before it was verified: " hashing)
		hashing = ""
		hashed[$3]++
		next
	}
	$2 == "write" { hashed[substr(name($3), 1, 64)] = 0; next }
	$1 == "pkgmgr" && $3 ~ /\.deltas?$/ {
		sha256 = substr(name($3), 1, 64)
		if (hashing)
			complain("opened by pkgmgr before it was verified: " hashing)
		if (!hashed[sha256])
			hashing = sha256
		deltas += $3 ~ /\.delta$/
		next
	}
	$1 == "pkgmgr" { next }
	{
		sha256 = substr(name($3), length(name($3)) - 67, 64)
		if ($3 !~ /\.deb$/ || hashed[sha256] < 2)
			complain("opened by " $1 " before it was verified: " $3)
		parsers++
	}
	END { print parsers + 0, deltas + 0; exit wrong }' "$1"
}
