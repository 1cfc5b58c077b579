# shellcheck shell=bash
# An operator and a site with nothing replaced: imagerepo, its gate behind sshd, its web
# server, and a private root whose VMs run in QEMU. Sourced after lib.sh and tiny.sh.
#
#     spine_init DEB...        # publish them; make the site kbh1 with empty lists
#     imagerepo site assign kbh1 NAME
#     sync_site [EXIT STATUS]

# Set by spine_init: the site's root, and the URL's port.
SITE_ROOT=
WEB_PORT=

spine_init()
{
	need_root
	need curl rsync ssh
	need_libvirt
	WEB_PORT=$(free_port)
	make_gnupg operator
	start_sshd "SetEnv PATH=$PATH"
	export WAYBILL_REPO=$T/repo
	imagerepo init --key "$KEY_FPR" --list-key "$KEY_FPR" --url "http://127.0.0.1:$WEB_PORT" \
		--server "root@127.0.0.1:$SSHD_PORT" --host-key "$SSHD_DIR/host_key.pub" >&2
	imagerepo serve --port "$WEB_PORT" >web.log 2>&1 &
	track_pid $!
	imagerepo add "$@" >&2
	spine_make_site
}

spine_make_site()
{
	SITE_ROOT=$T/site
	local ssh=$SITE_ROOT/etc/waybill/ssh
	make_dpkg_root "$SITE_ROOT"
	ssh-keygen -q -t ed25519 -N '' -C kbh1 -f "$ssh/id_ed25519"
	imagerepo site add kbh1 --key "$ssh/id_ed25519.pub" >&2
	imagerepo site keys >"$SSHD_AUTHORIZED_KEYS"
	imagerepo site bundle kbh1 | tar -x -C "$SITE_ROOT" --no-same-owner
	echo "Fetch-User: nobody" >>"$SITE_ROOT/etc/waybill/pkgmgr.conf"
	chown -R nobody "$ssh"
	at_exit "spine_purge"
}

# Whatever the test leaves running is stopped through the front door.
spine_purge()
{
	local name
	for name in "$SITE_ROOT"/var/lib/waybill/instances/*; do
		[ ! -d "$name" ] ||
			root_dpkg "$SITE_ROOT" --purge "$(basename "$name")" >>purge.log 2>&1
	done
}

sync_site()
{
	run_exit "${1:-0}" pkgmgr --root "$SITE_ROOT" sync
}

page()
{
	curl -fsS -m 5 "http://127.0.0.1:$1/"
}

# page_says PORT TEXT
page_says()
{
	page "$1" | grep -qF "$2"
}

# domain_of NAME: its libvirt domain
domain_of()
{
	appliance --root "$SITE_ROOT" show "$1" --json | sed -n 's/.*"domain":"\([^"]*\)".*/\1/p'
}

# running_domains DOMAIN: how many of that name run, 0 or 1
running_domains()
{
	virsh -q -c qemu:///system list --name | grep -cxF "$1" || true
}
