#!/bin/bash
# Sites: lists that are signed with growing serials, files that an operator edits by hand,
# parameters, the bundle, and what happens when something contradicts.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need gpg ssh-keygen tar python3

make_gnupg repo-sites
packages_key=$KEY_FPR
gpg --batch --quiet --passphrase '' --quick-generate-key "lists <lists@waybill.test>" ed25519 sign never \
	2>/dev/null
export WAYBILL_REPO=$T/repo
ssh-keygen -q -t ed25519 -N '' -C host -f host
imagerepo init --key "$packages_key" --list-key lists@waybill.test --host-key host.pub \
	--url https://hq.example.org/waybill --server imagerepo@hq.example.org:2222 >/dev/null
imagerepo add "$(make_deb debs askom 1.4.0)" "$(make_deb debs askom 1.3.0)" >/dev/null
list=repo/private/sites/kbh1/out/site.list

# Signed by the list key and no other.
gpg --batch --export lists@waybill.test >lists.gpg
signed()
{
	gpgv --quiet --keyring "$T/lists.gpg" --output - "$list" 2>/dev/null
}
serial()
{
	signed | sed -n 's/^Serial: //p'
}

note "serials grow by one with each signature"
imagerepo site add kbh1 >/dev/null
equal "$(serial)" 1 "first serial"
imagerepo site assign kbh1 askom=1.4.0 >/dev/null
equal "$(serial)" 2 "second serial"
signed >text
contains text " askom (= 1.4.0)"
contains text "Site: kbh1"
lacks text "Params"
imagerepo resign >/dev/null
equal "$(serial)" 3 "serial after resign"
gpgv --quiet --keyring repo/conf/trust/site-list.gpg "$list" 2>/dev/null || fail "trust/site-list.gpg"
if gpgv --quiet --keyring repo/conf/trust/repository.gpg "$list" 2>/dev/null; then
	fail "the packages' key signed a list"
fi

note "assign moves a name between lists; unassign takes it out"
imagerepo site assign kbh1 --maynot telnetd 'debug-*' >/dev/null
imagerepo site assign kbh1 --may askom >/dev/null
signed >text
equal "$(grep -c askom text)" 1 "places of askom"
lacks text "(= 1.4.0)"
equal "$(cat repo/private/sites/kbh1/musthave)" "" "musthave"
imagerepo site unassign kbh1 telnetd askom >/dev/null
signed >text
lacks text "telnetd"
contains text " debug-*"

note "what changes nothing keeps the serial"
# unchanged COMMAND...: a site command that must say so and sign nothing
unchanged()
{
	local before
	before=$(tree_hash repo/private)
	imagerepo site "$@" >said
	contains said "nothing has changed, list $(serial) stays"
	equal "$(tree_hash repo/private)" "$before" "private tree after: site $*"
}
imagerepo site assign kbh1 askom=1.4.0 >/dev/null
imagerepo site assign kbh1 --may tiny >/dev/null
imagerepo site param kbh1 askom GREETING=hello Memory=1G >/dev/null
unchanged assign kbh1 askom=1.4.0
unchanged assign kbh1 --maynot 'debug-*'
unchanged param kbh1 askom GREETING=hello
unchanged param kbh1 askom Memory=1G GREETING=hello
unchanged param kbh1 tiny GREETING=
last=$(serial)
echo "GREETING: by hand" >repo/private/sites/kbh1/params/askom
run_exit 1 imagerepo verify
contains err "edited and are not signed"
imagerepo site assign kbh1 askom=1.4.0 >said
contains said "list $((last + 1)) signed"
echo x >>repo/private/sites/kbh1/out/params/askom
imagerepo site assign kbh1 askom=1.4.0 >said
contains said "list $((last + 2)) signed"
SOURCE_DATE_EPOCH=$(($(date +%s) + 31 * 86400)) imagerepo site assign kbh1 askom=1.4.0 >said
contains said "list $((last + 3)) signed"
imagerepo site unassign kbh1 askom tiny >/dev/null
imagerepo site param kbh1 askom GREETING= >/dev/null
imagerepo resign >/dev/null
imagerepo verify >/dev/null

note "files edited by hand: verify says so, resign takes them up"
printf '# by hand\naskom\n' >repo/private/sites/kbh1/musthave
printf 'Sync-At: 04:15\nMax-Removals: 9\nEpoch: 2\nHost-Upgrades: all\nReboot-Window: 03:00-05:00\n' >repo/private/sites/kbh1/policy
run_exit 1 imagerepo verify
contains err "edited and are not signed"
imagerepo resign >/dev/null
imagerepo verify >/dev/null
signed >text
contains text "Epoch: 2"
contains text "Sync-At: 04:15"
contains text "Max-Removals: 9"
contains text "Host-Upgrades: all"
contains text "Reboot-Window: 03:00-05:00"
lacks text "Keep-Kernels" # an older pkgmgr would refuse what is only the default
imagerepo site assign kbh1 tiny 2>/dev/null >/dev/null
contains repo/private/sites/kbh1/musthave "# by hand"

note "a policy that is wrong is not signed"
while IFS='|' read -r line why; do
	cp repo/private/sites/kbh1/policy good-policy
	echo "$line" >repo/private/sites/kbh1/policy
	run_exit 1 imagerepo resign
	contains err "$why"
	mv good-policy repo/private/sites/kbh1/policy
done <<-'TABLE'
	Host-Upgrades: yes|Host-Upgrades: 'yes' is neither
	Security-Origins: Debian|ORIGIN/LABEL
	Keep-Kernels: none|Keep-Kernels
	Reboot-Window: night|03:00-05:00
	Min-Free: 5%|Min-Free
	Reboot: 03:00|unknown field 'Reboot'
TABLE

note "what contradicts is not signed, and nothing is changed"
imagerepo site assign kbh1 --maynot 'foo*' >/dev/null
before=$(tree_hash repo/private)
refused()
{
	local status=$1 text=$2
	shift 2
	run_exit "$status" imagerepo site "$@"
	contains err "$text"
	equal "$(tree_hash repo/private)" "$before" "private tree after: site $*"
}
refused 1 "forbids it" assign kbh1 foobar
refused 1 "not published; there is: 1.4.0, 1.3.0" assign kbh1 askom=9.9
refused 1 "in musthave only" assign kbh1 --may askom=1.4.0
refused 1 "no package name" assign kbh1 Askom
refused 1 "is not supported" assign kbh1 meta:current-kernel
refused 1 "no site 'nowhere'" assign nowhere askom
refused 2 "no site name" assign ../kbh1 askom
refused 2 "only one of" assign kbh1 --may --must askom
refused 1 "none of its lists" unassign kbh1 nothing
refused 2 "Disk" param kbh1 askom Disk=5G
refused 2 "NAME=VALUE" param kbh1 askom GREETING
refused 2 "no appliance name" param kbh1 ../x A=b
refused 2 "one line" param kbh1 askom "$(printf 'A=b\nEvil: x')"
refused 1 "a site 'kbh1' already" add kbh1
refused 2 "no site name" add 'Kbh 1'
refused 2 "no site name" add ..
refused 2 "no site name" add "$(head -c 100 /dev/zero | tr '\0' a)"

note "a file with an error keeps the last list; the other sites are still signed"
imagerepo site add kbh2 >/dev/null
echo 'askom (>= 1)' >>repo/private/sites/kbh1/musthave
before=$(sha256sum <"$list")
run_exit 1 imagerepo resign
contains err "musthave:4"
contains err "1 of 2 site lists were not signed"
contains out "site kbh2: valid until"
equal "$(sha256sum <"$list")" "$before" "the list of kbh1"
sed -i '$d' repo/private/sites/kbh1/musthave
printf 'Sync-At: 25:00\n' >repo/private/sites/kbh1/policy
run_exit 1 imagerepo resign
contains err "Sync-At"
printf 'Serial: 99\n' >repo/private/sites/kbh1/policy
run_exit 1 imagerepo resign
contains err "Serial"
rm repo/private/sites/kbh1/policy

note "parameters are served with their hash in the list"
imagerepo site param kbh1 askom GREETING="hello from kbh1" Ports=8081:80 >/dev/null
signed >text
hash=$(sha256sum <repo/private/sites/kbh1/out/params/askom | cut -d' ' -f1)
contains text " $hash $(stat -c %s repo/private/sites/kbh1/out/params/askom) askom"
imagerepo site param kbh1 askom >shown
contains shown "GREETING: hello from kbh1"
equal "$(stat -Lc %a repo/private/sites/kbh1/out/params/askom)" 600 "mode of parameters"
echo x >>repo/private/sites/kbh1/out/params/askom
run_exit 1 imagerepo verify
contains err "not what site.list says"
imagerepo site param kbh1 askom GREETING= Ports= >/dev/null
signed >text
lacks text "Params"
imagerepo verify >/dev/null

note "an expired list is noticed"
SOURCE_DATE_EPOCH=$(($(date +%s) + 31 * 86400)) run_exit 0 imagerepo site show kbh1
contains out "EXPIRED"
SOURCE_DATE_EPOCH=$(($(date +%s) + 31 * 86400)) run_exit 1 imagerepo verify
contains err "the list of site kbh1 has expired"

note "the bundle has all that a site must be told, and nothing secret"
imagerepo site bundle kbh1 -o kbh1.tar
imagerepo site bundle kbh1 >piped.tar
equal "$(tar tf kbh1.tar | sort | paste -sd' ')" "$(tar tf piped.tar | sort | paste -sd' ')" "bundles"
mkdir root
tar xf kbh1.tar -C root
equal "$(cd root && find . -type f | sort | paste -sd' ')" \
	"./etc/apt/sources.list.d/waybill.sources ./etc/waybill/pkgmgr.conf ./etc/waybill/ssh/known_hosts ./etc/waybill/trust.d/repository.gpg ./etc/waybill/trust.d/site-list.gpg" \
	"files of the bundle"
contains root/etc/waybill/pkgmgr.conf "Server: imagerepo@hq.example.org"
contains root/etc/waybill/pkgmgr.conf "Port: 2222"
contains root/etc/waybill/ssh/known_hosts "[hq.example.org]:2222 $(cut -d' ' -f1,2 host.pub)"
contains root/etc/apt/sources.list.d/waybill.sources "URIs: https://hq.example.org/waybill"
cmp root/etc/waybill/trust.d/site-list.gpg repo/conf/trust/site-list.gpg
gpgv --quiet --keyring root/etc/waybill/trust.d/repository.gpg repo/public/dists/stable/InRelease \
	2>/dev/null || fail "the bundle's repository key"

note "keys: lines for authorized_keys; a wrong key file is refused"
ssh-keygen -q -t ed25519 -N '' -C 'me" no-pty' -f site
imagerepo site key kbh1 site.pub >/dev/null
imagerepo site keys >authorized_keys
equal "$(cat authorized_keys)" \
	"restrict,command=\"imagerepo-gate --repo $T/repo kbh1\" $(cut -d' ' -f1,2 site.pub) kbh1" \
	"authorized_keys"
before=$(tree_hash repo/private)
refused 1 "private" key kbh1 site
echo "command=\"sh\" $(cat site.pub)" >evil.pub
refused 1 "no OpenSSH public key" key kbh1 evil.pub
refused 1 "missing.pub" key kbh1 missing.pub
refused 1 "no OpenSSH public key" add kbh3 --key /etc/hostname

note "remove forgets a site"
imagerepo site remove kbh2 >/dev/null
run_exit 1 imagerepo site show kbh2
imagerepo site list >listed
lacks listed kbh2
contains listed kbh1
imagerepo site list --json | python3 -c 'import json, sys
sites = json.load(sys.stdin)
assert [s["site"] for s in sites] == ["kbh1"], sites'
