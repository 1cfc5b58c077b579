#!/bin/bash
# A hypervisor that wants a name and a password gets them from libvirt's own auth file or from a
# systemd credential; nobody is asked. The daemon is this test's own, in a mount namespace.
if [ -z "${WAYBILL_OWN_DAEMONS:-}" ] && [ "$(id -u)" = 0 ]; then
	WAYBILL_OWN_DAEMONS=1 exec unshare --mount --propagation private "$0" "$@"
fi
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_root
need libvirtd virsh saslpasswd2
make_site

# bind DIR: our own, empty
bind()
{
	mkdir -p "$1" "$T/world$1"
	mount --bind "$T/world$1" "$1"
}

for dir in /run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /etc/libvirt /etc/sasl2; do
	bind "$dir"
done
rm -f /run/libvirtd.pid
printf 'auth_unix_rw = "sasl"\nauth_unix_ro = "sasl"\n' >/etc/libvirt/libvirtd.conf
printf 'mech_list: scram-sha-256\nsasldb_path: %s/passwd.db\n' "$T" >/etc/sasl2/libvirt.conf
printf 'not-in-any-log-%s' $$ >password
saslpasswd2 -p -f "$T/passwd.db" -a libvirt -u "$(uname -n)" waybill <password
libvirtd </dev/null >libvirtd.log 2>&1 &
track_pid $!
listening() { [ -S /run/libvirt/libvirt-sock ]; }
wait_for 30 "libvirtd listens" listening

export WAYBILL_LIBVIRT_URI=test+unix:///default
put_package guarded 1.0

note "without a password: said at once, with where to put it"
run_exit 0 appliance --root "$root" want guarded
run_exit 1 appliance --root "$root" converge guarded
contains err "asks for a name and password"
contains err "auth.conf"

# auth_file PASSWORD
auth_file()
{
	printf '[credentials-site]\nusername=waybill\nauthname=waybill\npassword=%s\n' "$1"
	printf '[auth-libvirt-localhost]\ncredentials=site\n[auth-libvirt-%s]\ncredentials=site\n' \
		"$(uname -n)"
}

# reaches: list sees the hypervisor, and nobody sees the password
reaches()
{
	run_exit 0 "$@" appliance --root "$root" -v list --json
	contains out '"state":"absent"'
	lacks err "$(cat password)"
	lacks out "$(cat password)"
}

note "a wrong one"
auth_file wrong >/etc/libvirt/auth.conf
chmod 600 /etc/libvirt/auth.conf
run_exit 1 appliance --root "$root" converge guarded
contains err "no hypervisor answers"

note "from libvirt's auth file"
auth_file "$(cat password)" >/etc/libvirt/auth.conf
reaches
rm /etc/libvirt/auth.conf

note "from a systemd credential"
mkdir -m 700 credentials
auth_file "$(cat password)" >credentials/libvirt-auth
reaches env CREDENTIALS_DIRECTORY="$T/credentials"
