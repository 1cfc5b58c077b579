#!/bin/bash
# pkgmgr enroll and pkgmgrd: from the bundle of a generic or a site's stick to a site that
# syncs by itself; and what a machine does with a gate that refuses, lies or is not there.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need gpg rsync ssh ssh-keygen python3

WEB_PORT=$(free_port)
make_gnupg enrol
export WAYBILL_REPO=$T/repo
start_enrolling_sshd
imagerepo init --key "$KEY_FPR" --url "http://127.0.0.1:$WEB_PORT" \
	--server "root@127.0.0.1:$SSHD_PORT" --host-key "$SSHD_DIR/host_key.pub" >/dev/null
imagerepo add "$(make_deb debs tool 1.0)" >/dev/null
imagerepo serve --port "$WEB_PORT" >web.log 2>&1 &
track_pid $!
for site in kbh1 kbh2; do
	imagerepo site add $site >/dev/null
	imagerepo site assign $site tool >/dev/null
done

# machine NAME TAR: a root with the bundle in it, and hardware of its own
machine()
{
	local root=$T/$1 dmi=$T/$1/sys/class/dmi/id net=$T/$1/sys/class/net
	make_dpkg_root "$root"
	tar -x -C "$root" --no-same-owner -f "$2"
	echo "Fetch-User: nobody" >>"$root/etc/waybill/pkgmgr.conf"
	mkdir -p "$dmi" "$net/enp1s0/device" "$net/wb0" "$root/sys/block/sda/device" \
		"$root/sys/block/loop0" "$root/proc"
	echo "SN-$1" >"$dmi/product_serial"
	echo "ACME " >"$dmi/sys_vendor"
	echo "Box 9" >"$dmi/product_name"
	echo 52:54:00:00:00:01 >"$net/enp1s0/address"
	echo 52:54:00:00:00:02 >"$net/wb0/address"
	echo 1000 >"$root/sys/block/sda/size"
	echo 1000 >"$root/sys/block/loop0/size"
	printf 'MemFree: 1 kB\nMemTotal:    2048 kB\n' >"$root/proc/meminfo"
	printf 'NAME=x\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n' >"$root/etc/os-release"
}
enroll()
{
	run_exit "$1" pkgmgr --root "$T/$2" enroll
}
field()
{
	sed -n "s/^$2: //p" "$1/etc/waybill/pkgmgr.conf"
}

note "a generic stick: waits, quietly, until the operator approves it"
imagerepo site bundle --generic --batch 5 -o generic.tar
machine m1 generic.tar
run_exit 2 pkgmgr --root "$T/m1" sync
contains err "not enrolled yet"
run_exit 0 pkgmgr --root "$T/m1" status
contains out "enrolment   not asked yet"
enroll 1 m1
contains err "waiting for the operator's approval"
run_exit 1 pkgmgr --root "$T/m1" --quiet enroll
[ ! -s err ] && [ ! -s out ] || fail "not quiet: $(cat err out)"
equal "$(stat -c '%a %U' m1/etc/waybill/ssh/id_ed25519)" "600 nobody" "the key"
key=$(sha256sum <m1/etc/waybill/ssh/id_ed25519)
imagerepo site pending --json | python3 -c '
import json, sys
m, = json.load(sys.stdin)
assert m["serial"] == "SN-m1" and m["product"] == "ACME Box 9", m
assert m["macs"] == ["52:54:00:00:00:01"] and m["disks"] == ["sda 512000"], m
assert m["memory"] == "2097152" and m["release"] == "Debian GNU/Linux 13 (trixie)", m'
pkgmgr --root "$T/m1" status --json | python3 -c '
import json, sys
o = json.load(sys.stdin)
assert o["site"] is None and o["enrolment"]["status"] == "pending", o'
run_exit 1 pkgmgr --root "$T/m1" --json enroll
equal "$(python3 -c 'import json; print(json.load(open("out"))["status"])')" pending "status in JSON"
imagerepo site approve kbh1 SN-m1 >/dev/null
enroll 0 m1
equal "$(cat out)" "enrolled as site kbh1" "what it says"
equal "$(field m1 Site)" kbh1 "Site"
equal "$(field m1 Server)" "root@127.0.0.1" "Server, which stays"
[ ! -e m1/etc/waybill/enrolment ] || fail "the token stays"
equal "$(sha256sum <m1/etc/waybill/ssh/id_ed25519)" "$key" "the key after two more runs"
run_exit 0 pkgmgr --root "$T/m1" sync
run_exit 0 pkgmgr --root "$T/m1" status
lacks out "enrolment"
enroll 1 m1
contains err "there is no token"

note "killed before its end: the next run ends it"
imagerepo site bundle kbh2 --enroll -o kbh2.tar
machine m2 kbh2.tar
cp m2/etc/waybill/enrolment token2
enroll 0 m2
cp token2 m2/etc/waybill/enrolment # as if it had died before that went
enroll 0 m2
equal "$(field m2 Site)" kbh2 "Site"
[ ! -e m2/etc/waybill/enrolment ] || fail "the token stays"
rm -f m2/etc/waybill/ssh/id_ed25519.new
ssh-keygen -q -t ed25519 -N '' -f m2/etc/waybill/ssh/id_ed25519.new
cp -r m2 m3 # the stick and the disk of m2, with another key
rm m3/etc/waybill/ssh/id_ed25519
cp token2 m3/etc/waybill/enrolment

note "a copied stick: refused, and it says why, and keeps what it has"
before=$(sha256sum m3/etc/waybill/pkgmgr.conf m3/etc/waybill/enrolment)
enroll 3 m3
contains err "used at"
equal "$(sha256sum m3/etc/waybill/pkgmgr.conf m3/etc/waybill/enrolment)" "$before" "its files"
run_exit 0 pkgmgr --root "$T/m3" status
contains out "enrolment   refused: this token was used"
imagerepo site list >listed
contains listed "its stick was used twice or copied"

note "a key that is another site's already, and a token for the wrong one"
imagerepo site bundle kbh1 --enroll -o kbh1.tar
tar -x -O -f kbh1.tar etc/waybill/enrolment >m2/etc/waybill/enrolment
sed -i 's/^Site: .*/Site: kbh1/' m2/etc/waybill/pkgmgr.conf
enroll 3 m2
contains err "this machine's key is site kbh2"
sed -i 's/^Site: .*/Site: kbh2/' m2/etc/waybill/pkgmgr.conf

note "no gate, and another gate than the pinned one: try again, nothing is sent"
machine m4 generic.tar
sed -i "s/^Port: .*/Port: 1/" m4/etc/waybill/pkgmgr.conf
enroll 1 m4
contains err "cannot enrol at"
sed -i "s/^Port: .*/Port: $SSHD_PORT/" m4/etc/waybill/pkgmgr.conf
cp m4/etc/waybill/ssh/known_hosts pinned
ssh-keygen -q -t ed25519 -N '' -f other
echo "[127.0.0.1]:$SSHD_PORT $(cut -d' ' -f1,2 other.pub)" >m4/etc/waybill/ssh/known_hosts
enroll 1 m4
contains err "Host key verification failed"
lacks repo/private/enrolment "SN-m4"
cp pinned m4/etc/waybill/ssh/known_hosts

note "tokens and configurations that are none"
cp m4/etc/waybill/enrolment good
bad_token() # TEXT, the file on standard input
{
	cat >m4/etc/waybill/enrolment
	enroll 1 m4
	contains err "$1"
}
: | bad_token "empty"
sed 's/^Token: .*/Token: wb1-x/' good | bad_token "no token"
sed '/^Not-Before/d' good | bad_token "Not-Before"
sed 's/waybill-enrolment 1/waybill-enrolment 9/' good | bad_token "Format"
head -c 100000 /dev/zero | bad_token "larger"
{ cat good; echo "Evil: x"; } | bad_token "Evil"
cp good m4/etc/waybill/enrolment

note "a gate that lies is not believed"
mkdir liar
cp -r m4 m5
rm -f m5/etc/waybill/ssh/id_ed25519*
enroll 1 m5
start_sshd "ForceCommand cat >/dev/null; cat $T/liar/answer"
cat m5/etc/waybill/ssh/id_ed25519.pub >"$SSHD_AUTHORIZED_KEYS"
cp "$SSHD_KNOWN_HOSTS" m5/etc/waybill/ssh/known_hosts
sed -i "s/^Port: .*/Port: $SSHD_PORT/" m5/etc/waybill/pkgmgr.conf
before=$(sha256sum m5/etc/waybill/pkgmgr.conf m5/etc/waybill/enrolment)
lie() # TEXT, the answer on standard input
{
	cat >liar/answer
	enroll 1 m5
	contains err "$1"
	equal "$(sha256sum m5/etc/waybill/pkgmgr.conf m5/etc/waybill/enrolment)" "$before" "its files"
}
: | lie "empty"
echo garbage | lie "answer"
printf 'Format: waybill-enrol-answer 1\nStatus: enrolled\n' | lie "as no site"
printf 'Format: waybill-enrol-answer 1\nStatus: enrolled\nSite: ../x\n' | lie "no site name"
printf 'Format: waybill-enrol-answer 1\nStatus: enrolled\nSite: kbh1' | lie "answer"
printf 'Format: waybill-enrol-answer 1\nStatus: refused\nReason: \033[2J\n' | lie "printable"
head -c 1000000 /dev/zero >zeros
lie "65536" <zeros

note "pkgmgrd: shows the token, again after a minute or so, and syncs as soon as it is let in"
imagerepo site add kbh3 >/dev/null
imagerepo site assign kbh3 tool >/dev/null
imagerepo site hardware kbh3 --serial sn-m6 --mac 52:54:00:00:00:01 >/dev/null
machine m6 generic.tar
mkdir -p m6/run
cp m6/etc/waybill/enrolment token6
rm m6/etc/waybill/enrolment
pkgmgrd --root "$T/m6" run 2>daemon.log &
daemon=$!
track_pid $daemon
wait_for 20 "pkgmgrd" pkgmgrd --root "$T/m6" status
cp token6 m6/etc/waybill/enrolment
# It looks once a minute; a request makes it look now.
pkgmgrd --root "$T/m6" kick >/dev/null
report_is_there() { grep -q '"result":"done"' repo/private/sites/kbh3/report.json; }
wait_for 90 "the first report" report_is_there
equal "$(field m6 Site)" kbh3 "Site"
contains daemon.log "enrol-ended: exit 0"
# The report is sent before the sync ends.
wait_for 30 "the end of the sync" grep -q "sync-ended: exit 0" daemon.log
pkgmgrd --root "$T/m6" status >now
contains now '"enrolling":false'
stop_pid $daemon
