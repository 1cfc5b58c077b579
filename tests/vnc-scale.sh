#!/bin/bash
# Ten thousand agents at rest and a thousand sessions, in one proxy: its memory, and how long a code is
# looked for among ten thousand.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/vnc.sh"
need jq perl
agents=${AGENTS:-10000} sessions=${SESSIONS:-1000}
files=$((agents + 2 * sessions + 200))
[ "$(ulimit -Hn)" -ge $files ] || ulimit -Hn $files 2>/dev/null ||
	skip "a process may have $(ulimit -Hn) descriptors only, not $files"

note "$agents machines"
proxy_new "Max-Strangers: 100000" "Max-Strangers-Per-Source: 100000" "Rate-Per-Source: 1000000" \
	"Max-Sessions: 100000"
"${CTL[@]}" --quiet machine add vm --user anna >identity.pem
pin=$(sed -n 's/^Key: //p' machines/vm)
rm machines/vm
# Each machine has a job, whose identifier is a code for ever.
perl -MDigest::MD5=md5 -e '
	my ($count, $pin) = @ARGV;
	open(my $codes, ">", "codes") or die;
	for my $i (0 .. $count - 1) {
		open(my $file, ">", "machines/vm$i") or die;
		print $file "Machine: vm$i\nKey: $pin\nJob: job-$i\n";
		print $codes join("", map { chr($_ % 94 + 32) } unpack("C8", md5("job-$i"))), "\0";
	}' "$agents" "$pin"
proxy_start
resident_kb() { awk '/^VmRSS:/ { print $2 }' "/proc/$PROXY/status"; }
empty=$(resident_kb)
vnc-load -i identity.pem -m echo -c "$agents" agents 127.0.0.1 "$TLS" vm >agents.out 2>agents.err &
track_pid $!
wait_for 120 "all are registered" grep -q registered agents.out
wait_for 60 "the proxy knows them" eval \
	'[ "$("${CTL[@]}" --json machine list | jq "[.machines[] | select(.connected)] | length")" = '"$agents"' ]'
idle=$(resident_kb)

note "$sessions sessions"
mapfile -d '' -t codes < <(head -z -n "$sessions" codes)
vnc-load -m echo -s 20 -- view 127.0.0.1 "$VIEWERS" "${codes[@]}" >viewers.out 2>viewers.err &
viewers=$!
track_pid $viewers
wait_for 60 "they all run" eval \
	'[ "$("${CTL[@]}" --json sessions | jq "[.sessions[] | select(.running)] | length")" = '"$sessions"' ]'
busy=$(resident_kb)
each=$(((busy - idle) / sessions))
note "resident: empty $((empty / 1024)) MiB, $agents agents $((idle / 1024)) MiB, with $sessions sessions $((busy / 1024)) MiB: $each KiB each"
[ "$busy" -lt $((512 * 1024)) ] || fail "$((busy / 1024)) MiB are resident"
[ "$each" -le 64 ] || fail "a session takes $each KiB"
kill -0 $viewers || fail "the viewers are gone"

note "a code among $agents: $(vnc-load codes "$agents") (goal: 2500 us)"
! grep -q . agents.err || { head -n 3 agents.err >&2; fail "agents were lost"; }
