#!/bin/bash
# Enrolment through a real sshd that asks imagerepo-gate for keys: a machine with a token
# becomes a site, once; a used, expired, guessed, copied or revoked one enrols nothing.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need gpg gpgv rsync ssh ssh-keygen tar python3

make_gnupg enrol
export WAYBILL_REPO=$T/repo
start_enrolling_sshd
imagerepo init --key "$KEY_FPR" --url http://127.0.0.1:1/ --server "root@127.0.0.1:$SSHD_PORT" \
	--host-key "$SSHD_DIR/host_key.pub" >/dev/null
for site in kbh1 kbh2 kbh3; do
	imagerepo site add $site >/dev/null
done

make_machine()
{
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$1"
}
# as MACHINE COMMAND...: with that machine's key
as()
{
	local machine=$1
	shift
	ssh -F none -p "$SSHD_PORT" -i "$T/$machine" -o IdentitiesOnly=yes -o BatchMode=yes \
		-o UserKnownHostsFile="$SSHD_KNOWN_HOSTS" -o LogLevel=ERROR root@127.0.0.1 "$@"
}
fingerprint()
{
	ssh-keygen -lf "$1.pub" | cut -d' ' -f2
}
# All that lasts; the lock's file says who had it last.
private_hash()
{
	sha256sum <repo/private/enrolment
	tree_hash repo/private/sites
}
# request MACHINE TOKEN [FIELD LINE...]
request()
{
	local machine=$1 token=$2
	shift 2
	printf 'Format: waybill-enrol 1\nToken: %s\nPublic-Key: %s\n' "$token" \
		"$(cut -d' ' -f1,2 "$machine.pub")"
	[ $# = 0 ] || printf '%s\n' "$@"
}
# enroll EXIT STATUS MACHINE TOKEN [FIELD LINE...]: the answer is in $T/out, $T/err
enroll()
{
	local want=$1 status=$2 machine=$3 got=0
	shift 2
	request "$@" | as "$machine" enroll >out 2>err || got=$?
	equal "$got" "$want" "exit of the enrolment of $machine ($(cat err))"
	[ -z "$status" ] || contains out "Status: $status"
}
# is_site MACHINE SITE: its key fetches that site's list
is_site()
{
	rm -rf stage
	rsync --recursive -e "ssh -F none -p $SSHD_PORT -i $T/$1 -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile=$SSHD_KNOWN_HOSTS -o LogLevel=ERROR" \
		root@127.0.0.1:./ stage/ 2>rsync.err && grep -q "^Site: $2\$" stage/site.list
}
is_no_site()
{
	run_exit 3 as "$1" report
	! is_site "$1" . || fail "$1 fetched a list"
}

note "the snippet for sshd is good"
{
	echo "HostKey $SSHD_DIR/host_key"
	cat "$top_srcdir/debian/sshd/waybill.conf"
} >snippet
/usr/sbin/sshd -t -f snippet || fail "sshd does not take it"
/usr/sbin/sshd -T -C user=imagerepo,host=x,addr=127.0.0.1 -f snippet >sshd.conf
contains sshd.conf "authorizedkeyscommand /usr/bin/imagerepo-gate --repo /srv/waybill --keys %f %t %k"

note "the bundle: a token and nothing that is worth stealing"
imagerepo site bundle kbh1 --enroll -o kbh1.tar
equal "$(stat -c %a kbh1.tar)" 600 "mode of the bundle"
mkdir stick
tar -xf kbh1.tar -C stick
equal "$(cd stick && find . -type f | sort | tr '\n' ' ')" \
	"./etc/apt/sources.list.d/waybill.sources ./etc/waybill/enrolment ./etc/waybill/pkgmgr.conf ./etc/waybill/ssh/known_hosts ./etc/waybill/trust.d/repository.gpg ./etc/waybill/trust.d/site-list.gpg " \
	"files of the bundle"
equal "$(stat -c %a stick/etc/waybill/enrolment)" 600 "mode of the token"
! grep -rqa "PRIVATE KEY" stick || fail "a private key is on the stick"
! gpg --show-keys --with-colons stick/etc/waybill/trust.d/*.gpg 2>/dev/null | grep -q '^sec' ||
	fail "a secret key is on the stick"
token1=$(sed -n 's/^Token: //p' stick/etc/waybill/enrolment)
[[ $token1 =~ ^wb1-[a-z2-7]{32}$ ]] || fail "the token is '$token1'"
! grep -rq "$token1" repo || fail "the repository keeps the token itself"
contains repo/private/enrolment "Token: $(printf %s "$token1" | sha256sum | cut -d' ' -f1)"
equal "$(stat -c %a repo/private/enrolment)" 600 "mode of the tokens' file"
imagerepo site show kbh1 >shown
contains shown "token        not used yet"

note "an unknown key may do nothing but enrol"
for machine in m1 m2 m3 thief racer1 racer2; do
	make_machine $machine
done
for command in "" report time "rsync --server --sender -tre.iLsfxCIvu . ./" sh \
	"imagerepo-gate kbh1" "enroll kbh1" "enroll;id"; do
	run_exit 3 as thief "$command"
	[ ! -s out ] || fail "'$command' put something out"
done
run_exit 255 as thief -W "127.0.0.1:$SSHD_PORT"

note "guessed, foreign and malformed: refused, and nothing is written"
before=$(private_hash)
enroll 3 refused thief "wb1-$(head -c 32 /dev/zero | tr '\0' a)"
contains out "not known here"
# refuse WHAT: what stands on standard input, with the thief's verified key; "ssh:" before
# WHAT: through sshd. REQUEST is what is asked for.
refuse()
{
	local got=0 gate=(env SSH_ORIGINAL_COMMAND="${REQUEST:-enroll}" imagerepo-gate --enroll "$thief")
	[[ $1 != ssh:* ]] || gate=(as thief "${REQUEST:-enroll}")
	"${gate[@]}" >out 2>err || got=$?
	equal "$got" 3 "exit status for $1 ($(cat err))"
	contains err "refused"
	[ ! -s out ] || fail "$1: something was put out"
	equal "$(private_hash)" "$before" "the private tree after $1"
}
thief=$(fingerprint thief)
: | refuse "ssh: nothing"
echo | refuse "an empty line"
request m1 "$token1" | refuse "ssh: a foreign public key"
request thief "$token1" | sed '/^Public/d' | refuse "no public key"
request thief "$token1" | sed 's/AAAA/BBBB/' | refuse "a damaged public key"
request thief "$token1" | sed "s/^Public-Key: .*/&\\n \"evil\"/" | refuse "a key of two lines"
request thief "$token1" | sed 's/^Public-Key: /&command="id" /' | refuse "a key with options"
sed 's/^/ /' thief | { printf 'Format: waybill-enrol 1\nToken: %s\nPublic-Key:\n' "$token1"; cat; } |
	refuse "a private key"
request thief "${token1%?}" | refuse "a token that is too short"
request thief "${token1}a" | refuse "a token that is too long"
request thief "$(echo "$token1" | tr '[:lower:]' '[:upper:]')" | refuse "a token in capitals"
request thief "$token1" "Token: $token1" | refuse "two tokens"
request thief "$token1" "Evil: yes" | refuse "an unknown field"
request thief "$token1" "" "Format: waybill-enrol 1" | refuse "a second stanza"
request thief "$token1" "Site: ../kbh1" | refuse "a site that is a path"
request thief "$token1" "Mac: 52:54:00:12:34" | refuse "half a MAC"
request thief "$token1" "Product: $(printf 'x\033[2J')" | refuse "control characters"
request thief "$token1" "Product: $(head -c 300 /dev/zero | tr '\0' x)" | refuse "a long line"
{ request thief "$token1" "Disks:"; seq 65 | sed 's/^/ /'; } | refuse "too many lines"
{ request thief "$token1"; head -c 20000 /dev/zero | tr '\0' '#'; } | refuse "more than 16 KiB"
head -c 5000000 /dev/zero >zeros
refuse "ssh: 5 MB of NULs" <zeros
request thief "$token1" | tr 'y' '\0' | refuse "NULs in the middle"
request thief "$token1" | head -c -1 | refuse "a line that is cut"
request thief "$token1" | sed 's/waybill-enrol 1/waybill-enrol 2/' | refuse "another format"
request thief "$token1" | REQUEST=preseed refuse "an enrolment as a preseed request"

note "a pre-approved token: enrolled, and the key is the site's from then on"
hardware1=("Machine-Serial: SN-0001" "Product: Box 9" "Mac: 52:54:00:AA:00:01" "Memory: 4294967296"
	"Disks: sda 500107862016" "Release: Debian 13")
enroll 3 refused m1 "$token1" "Site: kbh2"
contains out "for site kbh1, not for kbh2"
enroll 0 enrolled m1 "$token1" "Site: kbh1" "${hardware1[@]}"
contains out "Site: kbh1"
is_site m1 kbh1 || fail "m1 is not kbh1: $(cat rsync.err)"
equal "$(as m1 time | cut -c1-4)" "$(date -u +%Y)" "the gate's time"
request m1 "$token1" | as m1 enroll >again
contains again "Status: enrolled"
imagerepo site show kbh1 >shown
contains shown "machine      $(fingerprint m1), serial SN-0001, Box 9, 52:54:00:aa:00:01"
lacks shown "token  "
imagerepo site list --json | python3 -c '
import json, sys
kbh1 = next(s for s in json.load(sys.stdin) if s["site"] == "kbh1")
m = kbh1["enrolment"]["machine"]
assert m["serial"] == "SN-0001" and m["memory"] == "4294967296", m
assert m["disks"] == ["sda 500107862016"] and m["status"] == "enrolled", m
assert kbh1["enrolment"]["unused_tokens"] == [] and kbh1["attention"] == []'

note "a copied stick: refused, recorded, and the operator sees it"
enroll 3 refused thief "$token1" "Machine-Serial: OTHER-7" "Mac: 52:54:00:bb:00:07"
contains out "used at"
is_no_site thief
is_site m1 kbh1 || fail "m1 is no longer kbh1"
imagerepo site list >listed
contains listed "its stick was used twice or copied"
contains listed "serial OTHER-7"
lacks listed "perhaps installed anew"
imagerepo site show kbh1 >shown
contains shown "attention    its stick was used twice or copied"
imagerepo site show kbh1 --json | python3 -c '
import json, sys
o = json.load(sys.stdin)["enrolment"]["others"]
assert len(o) == 1 and o[0]["status"] == "refused" and o[0]["serial"] == "OTHER-7", o'
imagerepo site pending >waiting
contains waiting "refused   kbh1"
make_machine m1-anew
enroll 3 refused m1-anew "$token1" "${hardware1[@]}"
imagerepo site list >listed
contains listed "the same hardware, perhaps installed anew"

note "however many copies: the record has an end"
for i in $(seq 25); do
	make_machine "copy$i"
	request "copy$i" "$token1" |
		SSH_ORIGINAL_COMMAND=enroll imagerepo-gate --enroll "$(fingerprint "copy$i")" >out 2>err &&
		fail "copy $i was let in"
done
equal "$(grep -c '^Status: refused' repo/private/enrolment)" 20 "recorded copies"

note "two keys race for one token: one wins"
token2=$(imagerepo site token kbh2)
racers=()
for round in 1 2; do
	request racer$round "$token2" | as racer$round enroll >race$round 2>/dev/null &
	racers+=($!)
done
wait "${racers[@]}" || true
equal "$(cat race1 race2 | grep -c '^Status: enrolled')" 1 "winners"
equal "$(cat race1 race2 | grep -c '^Status: refused')" 1 "losers"
winner=racer1
grep -q enrolled race1 || winner=racer2
is_site $winner kbh2 || fail "the winner is not kbh2"

note "expired"
token=$(imagerepo site token kbh3 --expires 60s)
sed -i "/^Token: $(printf %s "$token" | sha256sum | cut -d' ' -f1)/,/^Expires/s/^Expires: .*/Expires: 2026-01-01T00:00:00Z/" \
	repo/private/enrolment
before=$(private_hash)
enroll 3 refused m3 "$token"
contains out "expired at 2026-01-01"
equal "$(private_hash)" "$before" "the private tree"

note "pending, then approved"
token3=$(imagerepo site token kbh3 --pending)
enroll 0 pending m3 "$token3" "Machine-Serial: SN-0003"
is_no_site m3
enroll 0 pending m3 "$token3"
enroll 3 refused m2 "$token3"
imagerepo site pending --json | python3 -c '
import json, sys
waiting = [m for m in json.load(sys.stdin) if m["status"] == "pending"]
assert [m["site"] for m in waiting] == ["kbh3"], waiting'
run_exit 1 imagerepo site approve kbh1
contains err "no machine waits to become kbh1"
run_exit 0 imagerepo site approve kbh3
contains out "site kbh3: is the machine with key $(fingerprint m3) now"
enroll 0 enrolled m3 "$token3"
is_site m3 kbh3 || fail "m3 is not kbh3"

note "revoked: at once, for good, whatever token it has, until it is approved again"
spare=$(imagerepo site token kbh3)
run_exit 0 imagerepo site revoke kbh3
is_no_site m3
enroll 3 refused m3 "$token3"
contains out "revoked"
enroll 3 refused m3 "$(imagerepo site token kbh3)"
contains out "revoked"
enroll 3 refused thief "$spare"
run_exit 1 imagerepo site revoke kbh3
contains err "no key to revoke"
run_exit 0 imagerepo site approve kbh3 "$(fingerprint m3 | cut -c1-18)"
is_site m3 kbh3 || fail "m3 is not kbh3 again"

note "a new token replaces the machine; an older stick of the site is void then"
old=$(imagerepo site token kbh3)
python3 - <<'PYTHON'
import time
time.sleep(1.1 - time.time() % 1)
PYTHON
token=$(imagerepo site token kbh3)
python3 - <<'PYTHON'
import time
time.sleep(1.1 - time.time() % 1)
PYTHON
make_machine m3b
make_machine m3c
enroll 0 enrolled m3b "$token"
is_site m3b kbh3 || fail "m3b is not kbh3"
is_no_site m3
enroll 3 refused m3 "$token3"
contains out "another machine became this site"
enroll 3 refused m3c "$old"
contains out "another machine became kbh3 after this token was made"

note "generic sticks: by hardware, or by hand"
imagerepo site bundle --generic --batch 3 -o generic.tar
tar -xf generic.tar -C stick
lacks stick/etc/waybill/pkgmgr.conf "Site:"
batch=$(sed -n 's/^Token: //p' stick/etc/waybill/enrolment)
imagerepo site add kbh4 >/dev/null
imagerepo site hardware kbh4 --serial sn-0004 --mac 52-54-00-CC-00-04 >/dev/null
equal "$(imagerepo site hardware kbh4)" "serial       sn-0004
mac          52:54:00:cc:00:04" "kbh4's hardware"
printf 'd-i time/zone string Europe/Copenhagen\n' >kbh4.preseed
imagerepo site preseed kbh4 kbh4.preseed >/dev/null
preseed_request()
{
	printf 'Format: waybill-preseed-request 1\nToken: %s\nMachine-Serial: %s\nMac: %s\n' "$@"
}
make_machine installer
preseed_request "$batch" SN-0004 52:54:00:cc:00:04 | as installer preseed >part
gpgv --quiet --keyring stick/etc/waybill/trust.d/site-list.gpg --output part.txt part 2>/dev/null ||
	fail "the preseed is not signed by the list key"
equal "$(cat part.txt)" "# waybill-preseed 1
# Site: kbh4
d-i time/zone string Europe/Copenhagen" "the preseed"
before=$(private_hash)
for request in "$token3 SN-0004 52:54:00:cc:00:04" "$batch SN-0005 52:54:00:cc:00:04" \
	"$batch SN-0004 52:54:00:cc:00:05" "wb1-$(head -c 32 /dev/zero | tr '\0' b) SN-0004 52:54:00:cc:00:04"; do
	# shellcheck disable=SC2086 # three words
	preseed_request $request | REQUEST=preseed refuse "a preseed for $request"
done
make_machine m4
enroll 0 enrolled m4 "$batch" "Machine-Serial: SN-0004" "Mac: 52:54:00:cc:00:04"
contains out "Site: kbh4"
is_site m4 kbh4 || fail "m4 is not kbh4"
before=$(private_hash)
preseed_request "$batch" SN-0004 52:54:00:cc:00:04 | REQUEST=preseed refuse "a preseed of an enrolled site"
make_machine m5
enroll 0 pending m5 "$batch" "Machine-Serial: SN-0004" "Mac: 52:54:00:cc:00:04"
contains out "its hardware is that of kbh4"
lacks out "Site:"
imagerepo site list >listed
contains listed "1 machines are no site's yet"
make_machine m6
enroll 0 pending m6 "$batch" "Machine-Serial: To be filled by O.E.M."
enroll 3 refused m2 "$batch"
contains out "all 3 uses"
imagerepo site add kbh5 >/dev/null
run_exit 1 imagerepo site approve kbh5
run_exit 0 imagerepo site approve kbh5 "$(fingerprint m6)"
is_site m6 kbh5 || fail "m6 is not kbh5"
run_exit 0 imagerepo site revoke "$(fingerprint m5)"
enroll 3 refused m5 "$batch"

note "keys that the operator sets, and sites that go"
imagerepo site key kbh5 m2.pub >/dev/null
is_site m2 kbh5 || fail "m2 is not kbh5"
enroll 3 refused m6 "$batch"
token=$(imagerepo site token kbh4)
imagerepo site remove kbh4 >/dev/null
imagerepo site add kbh4 >/dev/null
is_no_site m4
enroll 3 refused m4 "$batch"
enroll 3 refused installer "$token"

note "wrong usage says what is wrong and changes nothing"
before=$(private_hash)
bad() # EXIT TEXT ARGUMENT...
{
	local status=$1 text=$2
	shift 2
	run_exit "$status" imagerepo site "$@"
	contains err "$text"
	equal "$(private_hash)" "$before" "the private tree after: $*"
}
bad 2 "usage" token
bad 1 "no site 'nowhere'" token nowhere
bad 2 "no site name" token ../kbh1
bad 2 "usage" token kbh1 --batch 3
bad 2 "--batch" token --batch 0
bad 2 "--batch" token --batch 100000
bad 2 "approval anyway" token --batch 2 --pending
bad 2 "from 60s to 366d" token kbh1 --expires 0
bad 2 "--expires" token kbh1 --expires soon
bad 2 "add --enroll" bundle kbh1 --pending -o x.tar
bad 2 "--batch N" bundle --generic -o x.tar
bad 2 "no site" bundle kbh1 --enroll --batch 2 -o x.tar
bad 2 "usage" bundle kbh1 --generic --batch 2 -o x.tar
bad 1 "no site 'nowhere'" bundle nowhere --enroll -o x.tar
[ ! -e x.tar ] || fail "a bundle was written"
bad 1 "no site 'nowhere'" approve nowhere
bad 1 "no machine has" approve kbh1 SHA256:AAAAAAAAAAAA
bad 1 "no machine has" approve kbh1 nothing
bad 1 "is site kbh1" revoke "$(fingerprint m1)"
bad 1 "is site kbh1" approve kbh2 "$(fingerprint m1)"
bad 1 "no site 'nowhere'" revoke nowhere
bad 2 "many boards" hardware kbh1 --serial "To be filled by O.E.M."
bad 2 "many boards" hardware kbh1 --serial 00000000
bad 2 "no MAC" hardware kbh1 --mac 52:54
bad 2 "nothing else" hardware kbh1 --mac 52:54:00:00:00:01 --clear
imagerepo site hardware kbh2 --serial SN-0002 >/dev/null
before=$(private_hash)
bad 1 "for site kbh2 already" hardware kbh1 --serial sn-0002
printf 'a\0b\n' >nul
bad 1 "plain text" preseed kbh1 nul
printf 'cut' >cut
bad 1 "no end" preseed kbh1 cut
bad 1 "does not exist" preseed kbh1 missing

note "what sshd asks for: known, unknown and no keys"
keys() { imagerepo-gate --repo "$T/repo" --keys "$@"; }
# shellcheck disable=SC2046 # type and key are two words
equal "$(keys "$(fingerprint m1)" $(cut -d' ' -f1,2 m1.pub))" "$(imagerepo site keys | grep ' kbh1$')" \
	"the line of a known key"
# shellcheck disable=SC2046
equal "$(keys "$(fingerprint thief)" $(cut -d' ' -f1,2 m1.pub))" "" "a key with another fingerprint"
equal "$(keys "$(fingerprint thief)" ssh-ed25519 'AAAA" evil')" "" "a key that is none"
mkdir "$T/repo/private/sites/broken"
echo 0 >"$T/repo/private/sites/broken/serial"
echo garbage >"$T/repo/private/sites/broken/key.pub"
is_site m1 kbh1 || fail "one damaged key locks the others out"
rm -r "$T/repo/private/sites/broken"
run_exit 2 imagerepo-gate --keys a b
run_exit 2 imagerepo-gate --enroll
SSH_ORIGINAL_COMMAND=enroll run_exit 2 imagerepo-gate --enroll not-a-fingerprint

note "a gate that dies between its two files ends the work when the key asks again"
token=$(imagerepo site token kbh4)
make_machine m7
enroll 0 enrolled m7 "$token"
rm repo/private/sites/kbh4/key.pub
enroll 0 enrolled m7 "$token"
is_site m7 kbh4 || fail "m7 is not kbh4"

note "a damaged record is an error, and nobody gets in by it"
cp repo/private/enrolment good
echo "garbage" >>repo/private/enrolment
enroll 1 "" thief "$token1"
run_exit 1 imagerepo site list
contains err "private/enrolment"
is_site m1 kbh1 || fail "known sites are locked out"
mv good repo/private/enrolment
