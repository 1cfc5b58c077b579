# shellcheck shell=bash
# An operator's machine and a site, for tests of pkgmgr: a signed repository behind
# nginx, sshd with a forced command, a private root. Source lib.sh first.
#
#     site_init
#     add_package askom 1.0            # a small .deb in the repository
#     publish                          # sign Release
#     assign "musthave: askom"         # sign site.list with the next serial
#     sync_site                        # pkgmgr sync; output in $T/out, $T/err
# shellcheck disable=SC2154 # $T and more come from lib.sh

SITE=kbh1

# nginx serves $T/public; `web_start [DIRECTIVE...]` and `web_stop` start and stop it.
web_start()
{
	nginx_start "$T/web" "$WEB_PORT" "$T/public" "$*"
	WEB_PID=$NGINX_PID
}

# nginx_start DIR PORT DOCROOT DIRECTIVES [DIRECTIVES OF http]: an nginx that keeps its files in
# DIR. Sets NGINX_PID.
# DIR/ranges.log: URI, status, bytes, "range", end, seconds.
nginx_start()
{
	mkdir -p "$1" "$3"
	cat >"$1/conf" <<-CONF
		daemon off;
		master_process off;
		pid $1/pid;
		error_log $1/error.log;
		worker_rlimit_nofile 8192;
		events { worker_connections 4096; }
		http {
			${5:-}
			log_format ranges '\$request_uri \$status \$body_bytes_sent "\$http_range" \$msec \$request_time';
			access_log $1/access.log;
			access_log $1/ranges.log ranges;
			client_body_temp_path $1/body;
			proxy_temp_path $1/proxy;
			fastcgi_temp_path $1/fastcgi;
			scgi_temp_path $1/scgi;
			uwsgi_temp_path $1/uwsgi;
			server {
				listen 127.0.0.1:$2;
				root $3;
				$4
			}
		}
	CONF
	/usr/sbin/nginx -p "$1" -c "$1/conf" </dev/null 2>"$1/start.log" &
	NGINX_PID=$!
	track_pid $NGINX_PID
	wait_for 30 "nginx listens" listens "$2"
}

web_stop()
{
	stop_pid "$WEB_PID" "${1:-TERM}"
}

site_init()
{
	need_root
	need /usr/sbin/nginx ssh rsync gpg dpkg-deb
	WEB_PORT=$(free_port)
	SERIAL=0
	ROOT=$T/site
	make_gnupg operator
	make_dpkg_root "$ROOT"
	start_sshd
	mkdir -p "$T/gate/out/params" "$T/public" "$ROOT/etc/waybill/ssh"
	configure_site
	allow_site
	web_start
}

configure_site()
{
	local etc=$ROOT/etc/waybill
	cp "$T/operator.gpg" "$etc/trust.d/site-list.gpg"
	cp "$T/operator.gpg" "$etc/trust.d/repository.gpg"
	cp "$SSHD_KNOWN_HOSTS" "$etc/ssh/known_hosts"
	chmod 644 "$etc/ssh/known_hosts"
	ssh-keygen -q -t ed25519 -N '' -C $SITE -f "$etc/ssh/id_ed25519"
	chown nobody "$etc/ssh/id_ed25519"
	cat >"$etc/pkgmgr.conf" <<-CONF
		Site: $SITE
		Server: root@127.0.0.1
		Port: $SSHD_PORT
		Fetch-User: nobody
		Timeout: 60s
	CONF
	cat >"$ROOT/etc/apt/sources.list.d/waybill.sources" <<-SOURCES
		Types: deb
		URIs: http://127.0.0.1:$WEB_PORT/
		Suites: stable
		Components: main
		Architectures: $(dpkg --print-architecture)
		Signed-By: /etc/waybill/trust.d/repository.gpg
	SOURCES
}

# The forced command: the two requests of docs/spec/gate.md. The real gate has tests
# of its own; the end-to-end test has both.
allow_site()
{
	cat >"$T/gate/gate" <<-GATE
		#!/bin/sh
		cd $T/gate/out || exit 1
		case "\$SSH_ORIGINAL_COMMAND" in
		"rsync --server --sender "*) exec \$SSH_ORIGINAL_COMMAND ;;
		report) exec cat >$T/gate/report.json ;;
		esac
		exit 3
	GATE
	chmod 755 "$T/gate/gate"
	echo "restrict,command=\"$T/gate/gate\" $(cat "$ROOT/etc/waybill/ssh/id_ed25519.pub")" \
		>"$SSHD_AUTHORIZED_KEYS"
}

# big_package NAME VERSION MIB: of bytes that do not compress
big_package()
{
	local tree=$T/big-$1
	mkdir -p "$tree/DEBIAN" "$tree/usr/share/$1" "$T/public/pool"
	head -c "$3M" /dev/urandom >"$tree/usr/share/$1/data"
	printf '%s\n' "Package: $1" "Version: $2" "Architecture: all" \
		"Maintainer: x <x@waybill.test>" "Description: x" >"$tree/DEBIAN/control"
	dpkg-deb --root-owner-group -Znone -b "$tree" "$T/public/pool" >/dev/null
}

# flip_bit FILE AT: one bit of that byte; another byte in its place may be the same one
flip_bit()
{
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\x$(printf %x $((byte ^ 16)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# part_bytes: how long the partial files of $ROOT are
part_bytes()
{
	{ cat "$ROOT"/var/cache/waybill/archives/*.part 2>/dev/null || true; } | wc -c
}

part_has()
{
	[ "$(part_bytes)" -ge "$1" ]
}

# proven_bytes: those that the state of the one partial file speaks for
proven_bytes()
{
	state_blocks | awk '{ sum += $2 } END { print sum + 0 }'
}

# state_blocks: "INDEX LENGTH" of each block that is vouched for; a fetch that died early has none
state_blocks()
{
	{ cat "$ROOT"/var/cache/waybill/archives/*.part.state 2>/dev/null || true; } |
		awk '/^Blocks:/ { in_blocks = 1; next } in_blocks { print $1, $2 }'
}

# add_package NAME VERSION [FIELD LINE...]; MAINTSCRIPTS as in make_deb
add_package()
{
	make_deb "$T/public/pool" "$@" >/dev/null
}

# package_stanza DEB: as it stands in Packages
package_stanza()
{
	dpkg-deb -f "$1"
	echo "Filename: pool/$(basename "$1")"
	echo "Size: $(stat -c %s "$1")"
	echo "SHA256: $(sha256sum "$1" | cut -d' ' -f1)"
	echo
}

# publish [DATE]: make and sign the indexes of what is in the pool.
publish()
{
	publish_in "$T/public" "${1:-now}"
}

# publish_in DIR [DATE]: the same of what is in DIR/pool. RELEASE_ORIGIN and RELEASE_LABEL
# make it somebody else's.
publish_in()
{
	local suite=$1/dists/stable deb arch
	arch=$(dpkg --print-architecture)
	mkdir -p "$suite/main/binary-$arch" "$1/pool"
	for deb in "$1"/pool/*.deb; do
		[ ! -e "$deb" ] || package_stanza "$deb"
	done >"$suite/main/binary-$arch/Packages"
	sign_release "$suite" "main/binary-$arch/Packages" "${2:-now}"
}

# sign_release SUITE-DIR INDEX DATE
sign_release()
{
	cat >"$1/Release.new" <<-RELEASE
		Origin: ${RELEASE_ORIGIN:-Waybill}
		Label: ${RELEASE_LABEL:-Waybill}
		Suite: stable
		Codename: stable
		Architectures: $(dpkg --print-architecture)
		Components: main
		Date: $(date -Ru -d "$3" | sed 's/+0000/UTC/')
		SHA256:
		 $(sha256sum "$1/$2" | cut -d' ' -f1) $(stat -c %s "$1/$2") $2
	RELEASE
	gpg --batch --yes --clearsign -o "$1/InRelease.new" "$1/Release.new"
	rm "$1/Release.new"
	mv "$1/InRelease.new" "$1/InRelease"
	date_anew "$1/InRelease"
}

# date_anew FILE: give it a time that no file had before. HTTP compares whole seconds: a
# site that fetched the last one within this second would be told that nothing changed.
date_anew()
{
	local now
	now=$(date +%s)
	DATED_AT=$((now > ${DATED_AT:-0} ? now : DATED_AT + 1))
	touch -d "@$DATED_AT" "$1"
}

# list_text [LINE...]: the text of a list with serial $SERIAL. A LINE is "KIND: ENTRY"
# or a field of the header.
list_text()
{
	local kind
	cat <<-HEADER
		Format: waybill-site-list 1
		Site: ${LIST_SITE:-$SITE}
		Epoch: ${LIST_EPOCH:-1}
		Serial: $SERIAL
		Date: $(date -u +%FT%TZ -d "${LIST_DATE:-now}")
		Valid-Until: $(date -u +%FT%TZ -d "${LIST_UNTIL:-30 days}")
	HEADER
	[ $# = 0 ] || printf '%s\n' "$@" | grep -v '^m.*have: ' || true
	for kind in musthave mayhave maynothave; do
		printf '\nList: %s\nEntries:\n' $kind
		[ $# = 0 ] || printf '%s\n' "$@" | sed -n "s/^$kind: / /p"
	done
}

# assign [LINE...]: sign and serve a new list.
assign()
{
	SERIAL=$((SERIAL + 1))
	list_text "$@" >"$T/list.txt"
	gpg --batch --yes --clearsign -o "$T/gate/out/site.list" "$T/list.txt"
}

sync_site()
{
	run_exit 0 pkgmgr sync --root "$ROOT" "$@"
}

# installed NAME: its version in the site's dpkg, empty if it is not installed
installed()
{
	# shellcheck disable=SC2016 # dpkg's own ${}
	dpkg-query --admindir="$ROOT/var/lib/dpkg" -W -f '${db:Status-Status} ${Version}' "$1" \
		2>/dev/null | sed -n 's/^installed //p' || true
}

# is_installed NAME VERSION ("" : not installed)
is_installed()
{
	equal "$(installed "$1")" "$2" "installed version of $1"
}
