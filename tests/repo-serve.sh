#!/bin/bash
# `imagerepo serve`: what apt and curl lean on (ranges, If-Modified-Since, keep-alive), and
# nothing outside of public/.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need gpg curl

make_gnupg repo-serve
export WAYBILL_REPO=$T/repo
imagerepo init --key "$KEY_FPR" >/dev/null
head -c 3000000 /dev/urandom >repo/public/pool/big
ln -s ../../conf/repo.conf repo/public/pool/leak
ln -s /etc/passwd repo/public/pool/passwd
mkfifo repo/public/pool/fifo
imagerepo serve --port 0 >served 2>serve.err &
server=$!
track_pid $server
wait_for 10 "the web server says where it is" grep -q http:// served
url=$(grep -o 'http://[0-9.:]*' served)
port=${url##*:}

# status CURL-ARGUMENT...: the HTTP status
status()
{
	curl -s -o body -w '%{http_code}' "$@" || true
}

note "whole files, ranges, resume"
equal "$(status "$url/pool/big")" 200 "a file"
cmp body repo/public/pool/big
equal "$(status -r 100-199 "$url/pool/big")" 206 "a range"
cmp body <(dd if=repo/public/pool/big bs=100 skip=1 count=1 status=none)
equal "$(status -r -50 "$url/pool/big")" 206 "the last bytes"
cmp body <(tail -c 50 repo/public/pool/big)
equal "$(status -r 3000000- "$url/pool/big")" 416 "a range beyond the end"
head -c 1234567 repo/public/pool/big >partial
curl -s -C - -o partial "$url/pool/big"
cmp partial repo/public/pool/big
equal "$(status -I "$url/pool/big")" 200 "HEAD"

note "If-Modified-Since"
curl -s -o body -R "$url/dists/stable/InRelease"
equal "$(status -z body "$url/dists/stable/InRelease")" 304 "an unchanged file"
imagerepo resign >/dev/null
curl -s -o fresh -R -z body "$url/dists/stable/InRelease"
cmp fresh repo/public/dists/stable/InRelease

note "one connection for many requests"
equal "$(curl -s -o body -o body -o body -w '%{num_connects} ' "$url/pool/big" \
	"$url/dists/stable/Release" "$url/pool/big")" "1 0 0 " "connections made"

note "nothing outside, nothing that is no file"
for path in /../conf/repo.conf /pool/../../conf/repo.conf /pool/leak /pool/passwd /pool/fifo \
	/%2e%2e/conf/repo.conf /pool/..%2f..%2fconf/repo.conf //etc/passwd / /dists /dists/stable/ \
	/nothing /pool/big/x; do
	equal "$(status --path-as-is "$url$path")" 404 "$path"
done
equal "$(status -X POST "$url/pool/big")" 405 "POST"
equal "$(status -X DELETE "$url/pool/big")" 405 "DELETE"
equal "$(status "$url/$(head -c 3000 /dev/zero | tr '\0' a)")" 414 "a long path"

# raw TEXT: what comes back for these bytes; the server may hang up early
raw()
(
	trap '' PIPE
	exec 8<>"/dev/tcp/127.0.0.1/$port"
	printf '%b' "$1" >&8 || true
	timeout 10 cat <&8 || true
) 2>/dev/null
note "what is no HTTP"
raw 'GARBAGE\r\n\r\n' | head -1 >line
contains line "400"
raw 'GET / HTTP/9.9\r\n\r\n' | head -1 >line
contains line "505"
raw 'GET /%00 HTTP/1.1\r\n\r\n' | head -1 >line
contains line "400"
raw "GET / HTTP/1.1\r\nX: $(head -c 9000 /dev/zero | tr '\0' a)\r\n\r\n" >line
[ ! -s line ] || fail "an answer to oversized headers"
raw 'GET /dists/stable/Release HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n' >both
equal "$(grep -ac '^HTTP/1.1' both)" 2 "answers to pipelined requests"

note "many at a time, some that say nothing; it still answers"
for i in $(seq 20); do
	sleep 20 <>"/dev/tcp/127.0.0.1/$port" &
	track_pid $!
done
clients=
for i in $(seq 20); do
	curl -s -o "many-$i" "$url/pool/big" &
	clients="$clients $!"
done
# shellcheck disable=SC2086 # several
wait $clients
for i in $(seq 20); do
	cmp "many-$i" repo/public/pool/big
done

note "TERM ends it at once"
kill -TERM $server
wait $server || fail "serve exited with $?"
run_exit 1 imagerepo serve --port 1 --address 192.0.2.1
contains err "cannot listen on 192.0.2.1"
