#!/bin/bash
# `pkgmgr enroll`, and the gate that serves it, die at every step they make: the machine is not
# a site yet or is one, the token is good for nobody else, and one more run ends it.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/fault/every-step.sh"
need_root
need gpg ssh ssh-keygen
FAULT_POINTS=${FAULT_POINTS_ENROL:-10}

make_gnupg enrol
export WAYBILL_REPO=$T/repo
start_enrolling_sshd
imagerepo init --key "$KEY_FPR" --url http://127.0.0.1:1/ --server "root@127.0.0.1:$SSHD_PORT" \
	--host-key "$SSHD_DIR/host_key.pub" >/dev/null
imagerepo site add kbh1 >/dev/null
make_dpkg_root "$T/before"
imagerepo site bundle kbh1 --enroll | tar -x -C "$T/before" --no-same-owner
echo "Fetch-User: nobody" >>"$T/before/etc/waybill/pkgmgr.conf"
sed -i '/^Site:/d' "$T/before/etc/waybill/pkgmgr.conf"
cp -a repo repo-before
ROOT=$T/site

fault_setup()
{
	rm -rf "$ROOT" repo
	cp -a before "$ROOT"
	cp -a repo-before repo
}
fault_run() { pkgmgr --root "$ROOT" enroll; }
# Either there is a token still, or the site knows its name.
fault_between()
{
	[ -e "$ROOT/etc/waybill/enrolment" ] || grep -q '^Site: kbh1$' "$ROOT/etc/waybill/pkgmgr.conf"
	grep -q '^Server: root@127.0.0.1$' "$ROOT/etc/waybill/pkgmgr.conf"
	[ "$(grep -c '^Machine:' repo/private/enrolment)" -le 1 ]
}
fault_check()
{
	grep -q '^Site: kbh1$' "$ROOT/etc/waybill/pkgmgr.conf"
	[ ! -e "$ROOT/etc/waybill/enrolment" ]
	# One machine has the token, and it is the site: no half-made key had used it up.
	equal "$(grep -c '^Machine:' repo/private/enrolment)" 1 "machines"
	equal "$(cut -d' ' -f2 repo/private/sites/kbh1/key.pub)" \
		"$(ssh-keygen -y -f "$ROOT/etc/waybill/ssh/id_ed25519" | cut -d' ' -f2)" "the site's key"
}
every_step pkgmgr kill-before
every_step pkgmgr EIO

note "the gate"
ssh-keygen -q -t ed25519 -N '' -f machine
request()
{
	printf 'Format: waybill-enrol 1\nToken: %s\nPublic-Key: %s\n' \
		"$(sed -n 's/^Token: //p' before/etc/waybill/enrolment)" "$(cut -d' ' -f1,2 machine.pub)"
}
request >asked
fingerprint=$(ssh-keygen -lf machine.pub | cut -d' ' -f2)
fault_run()
{
	SSH_ORIGINAL_COMMAND=enroll imagerepo-gate --repo "$T/repo" --enroll "$fingerprint" <asked
}
fault_between()
{
	grep -q '^Token:' repo/private/enrolment
	imagerepo site list >/dev/null
}
fault_check()
{
	equal "$(cut -d' ' -f2 repo/private/sites/kbh1/key.pub)" "$(cut -d' ' -f2 machine.pub)" "the site's key"
	equal "$(grep -c '^Status: enrolled' repo/private/enrolment)" 1 "machines"
}
every_step imagerepo-gate kill-before
every_step imagerepo-gate ENOSPC
