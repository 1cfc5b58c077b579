# shellcheck shell=bash
# Debian for a machine that is being installed: the mirror of this machine behind an nginx on
# loopback, which keeps what never changes (packages, indexes by hash) in the build tree, so
# that the next run needs the network for little. Beside it the operator's repository.
# Sourced after lib.sh. A guest of QEMU's user network sees it all as 10.0.2.2:$MIRROR_PORT.
#
#     mirror_start [PUBLIC-DIR]   # /debian, /debian-security, and /waybill = PUBLIC-DIR
#     mirror_stop                 # the line drops; mirror_start takes it up again
#     mirror_bytes PREFIX         # what was served below it so far

MIRROR_PORT=
MIRROR_PID=
MIRROR_CACHE=$top_builddir/tests/install/mirror

# archive_uri LABEL: where this machine's apt finds Debian, or Debian-Security.
archive_uri()
{
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
		"Label: $1" | sed -n '1s,/*$,,p'
}

# _mirror_location PREFIX URI: URI served as /PREFIX.
_mirror_location()
{
	cat <<-CONF
		location ~ ^/$1/(pool/|.*/by-hash/) {
			try_files \$uri @$1;
		}
		location /$1/ {
			try_files /nothing-is-kept @$1;
		}
		location @$1 {
			set \$kept $MIRROR_CACHE\$uri;
			rewrite ^/$1/(.*) /${2#*://*/}/\$1 break;
			proxy_pass $(grep -o '^[a-z]*://[^/]*' <<<"$2");
			proxy_http_version 1.1;
			proxy_store \$kept;
		}
	CONF
}

mirror_start()
{
	need /usr/sbin/nginx
	[ -n "$MIRROR_PORT" ] || MIRROR_PORT=$(free_port)
	mkdir -p "$T/mirror" "$MIRROR_CACHE"
	cat >"$T/mirror/conf" <<-CONF
		daemon off;
		master_process off;
		pid $T/mirror/pid;
		error_log $T/mirror/error.log;
		events {}
		http {
			log_format bytes '\$msec \$status \$body_bytes_sent \$uri';
			access_log $T/mirror/access.log bytes;
			client_body_temp_path $T/mirror/body;
			proxy_temp_path $MIRROR_CACHE/.coming;
			fastcgi_temp_path $T/mirror/fastcgi;
			scgi_temp_path $T/mirror/scgi;
			uwsgi_temp_path $T/mirror/uwsgi;
			server {
				listen 127.0.0.1:$MIRROR_PORT;
				root $MIRROR_CACHE;
				$(_mirror_location debian "$(archive_uri Debian)")
				$(_mirror_location debian-security "$(archive_uri Debian-Security)")
				location /waybill/ {
					alias ${1:-$T/repo/public}/;
				}
			}
		}
	CONF
	/usr/sbin/nginx -p "$T/mirror" -c "$T/mirror/conf" </dev/null 2>>"$T/mirror/start.log" &
	MIRROR_PID=$!
	track_pid $MIRROR_PID
	wait_for 30 "nginx listens" listens "$MIRROR_PORT"
}

mirror_stop()
{
	stop_pid "$MIRROR_PID"
}

mirror_bytes()
{
	awk -v prefix="$1" 'index($4, prefix) == 1 { bytes += $3 } END { print bytes + 0 }' \
		"$T/mirror/access.log"
}
