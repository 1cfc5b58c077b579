#!/bin/bash
# A thousand sites take one update each from one static server, their night's splay scaled to a
# minute: the real fetch code in a process for each, over loopback. Once from a server that
# serves whoever comes; once all at the same moment from one that serves 50 at a time and answers the
# others 503 with Retry-After. Prints the server's peak rate, and that nobody gave up.
# BENCH_SITES, BENCH_KIB (size of the update) and BENCH_SPAN (seconds) set other figures.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/site.sh"
need_root
need /usr/sbin/nginx
sites=${BENCH_SITES:-1000}
kib=${BENCH_KIB:-1024}
span=${BENCH_SPAN:-60}
make -s -C "$top_builddir/bench" fleet-sites
WEB_PORT=$(free_port)
ulimit -n 4096

# A disk of its own for each site is memory here.
mkdir "$T/sites"
mount -t tmpfs waybill-fleet "$T/sites" || skip "cannot mount a tmpfs"
at_exit "umount '$T/sites'"
mkdir -p "$T/public/pool"
head -c "${kib}K" /dev/urandom >"$T/public/pool/update.deb"
SHA256=$(sha256sum "$T/public/pool/update.deb" | cut -d' ' -f1)

# run_fleet NAME SPAN_MS SECONDS: all of them; the figures from the server's log and theirs
run_fleet()
{
	local status=0
	rm -rf "$T"/sites/*
	: >"$T/web/ranges.log"
	"$top_builddir/bench/fleet-sites" "$T/sites" "$sites" "$2" "$SHA256" $((kib * 1024)) \
		"http://127.0.0.1:$WEB_PORT/pool/update.deb" >"$T/fleet" || status=$?
	echo "$1:"
	awk '{ bytes[int($5)] += $3; asked[int($5)]++; all += $3; busy += $2 == 503 }
		END {
			for (s in bytes) { if (bytes[s] > peak) peak = bytes[s]
				if (asked[s] > most) most = asked[s] }
			printf "  server: %.1f MiB in all, peak %.1f MiB and %d requests in one second, %d times 503\n",
				all / 1048576, peak / 1048576, most, busy
		}' "$T/web/ranges.log"
	awk -v want="$sites" -v span="$3" '
		{ n++; failed += $4; took[n] = $3 - $2; sum += $5; if ($3 > last) last = $3
		  at = int($2 / 1000 / span * 10); started[at < 10 ? at : 9]++ }
		END {
			for (i = 1; i <= n; i++) if (took[i] > longest) longest = took[i]
			printf "  sites: %d of %d done, %d gave up, the last after %.1f s, the longest took %.1f s, %.1f MiB received\n",
				n - failed, want, failed, last / 1000, longest / 1000, sum / 1048576
			printf "  begun in each tenth of the span:"
			for (i = 0; i < 10; i++) printf " %d", started[i]
			print ""
			exit failed > 0 || n != want
		}' "$T/fleet" || status=1
	[ $status = 0 ] || { tail -n 3 "$T"/sites/*.log | head -n 20; fail "$1: somebody gave up"; }
}

echo "$sites sites, an update of $kib KiB, one server, load $(cut -d' ' -f1-3 /proc/loadavg)"
nginx_start "$T/web" "$WEB_PORT" "$T/public" ""
run_fleet "splay of $span s" $((span * 1000)) "$span"
stop_pid "$NGINX_PID"

nginx_start "$T/web" "$WEB_PORT" "$T/public" \
	"location /pool { limit_conn all 50; limit_rate 400k; limit_conn_status 503; add_header Retry-After 5 always; }" \
	"limit_conn_zone \$server_port zone=all:1m;"
run_fleet "all at once, from a server for 50" 0 "$span"
