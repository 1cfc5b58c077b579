#!/bin/bash
# A parameter marked secret goes from the operator to the guest, and is seen by nobody on the
# way: in no process list, log, report or state, and in no file that others may read.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
. "$top_srcdir/tests/lib/spine.sh"
need_libvirt
need xorriso
secret=hush-$$-$(head -c 9 /dev/urandom | od -An -tx1 | tr -d ' \n')
port=$(free_port)
spine_init "$(tiny_variant debs vault 1.0 "$port")"
chmod 755 "$T" # what is in it is found by others if its own mode lets them

# What the machine's process list says, all the while. The secret is not on the command line
# of the one who looks.
printf '%s' "$secret" >pattern
chmod 600 pattern
watch_processes()
{
	while :; do
		cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' |
			grep -aF -f pattern >>seen || true
	done
}
watch_processes &
track_pid $!
watcher=$!

note "from standard input and from a file, to the guest"
printf '%s\n' "$secret" | imagerepo -v site param kbh1 vault --file SECRET=- >operator.log 2>&1
imagerepo -v site assign kbh1 vault >>operator.log 2>&1
printf '%s' "$secret" >value
chmod 600 value
imagerepo -v site param kbh1 vault -f SECRET=value >>operator.log 2>&1
pkgmgr -v --root "$SITE_ROOT" sync >site.log 2>&1 || { cat site.log >&2; fail "sync"; }
wait_for 120 "the page" page_says "$port" "greeting:"
appliance --root "$SITE_ROOT" -v converge --all >>site.log 2>&1
instance=$SITE_ROOT/var/lib/waybill/instances/vault
xorriso -indev "$instance/seed.iso" -osirrox on -extract /params params >/dev/null 2>&1
grep -qF -f pattern params || fail "the guest did not get it"

note "who else has seen it"
kill $watcher
! [ -s seen ] || fail "in a process's arguments or environment: $(head -c 200 seen)"
appliance --root "$SITE_ROOT" show vault >show.txt
contains show.txt "(secret)"
appliance --root "$SITE_ROOT" show vault --json >show.json
appliance --root "$SITE_ROOT" list --json >list.json
pkgmgr --root "$SITE_ROOT" status --json >status.json
pkgmgr --root "$SITE_ROOT" history --json >history.json
imagerepo site show kbh1 --json >site.json
virsh -q -c qemu:///system dumpxml "$(domain_of vault)" >domain.xml
virsh -q -c qemu:///system dumpxml --security-info "$(domain_of vault)" >>domain.xml
for file in operator.log site.log show.txt show.json list.json status.json history.json \
	site.json domain.xml web.log "$SITE_ROOT/var/lib/waybill/state.db" \
	"$SSHD_DIR/log" "$T/repo/index.db"; do
	[ -e "$file" ] || continue
	! grep -qaF -f pattern "$file" || fail "in $file"
done
find "$T/repo" -name 'report*' -type f -exec grep -laF -f pattern {} + >reports || true
[ ! -s reports ] || fail "in a report: $(cat reports)"
! grep -rqaF -f pattern /var/log 2>/dev/null || fail "in /var/log"

note "which files hold it, and who may read them"
grep -rlaF -f pattern "$T/repo" "$SITE_ROOT" >holders || true
[ -s holders ] || fail "nobody holds it"
while read -r file; do
	mode=$(stat -c %a "$file")
	note "$mode $(stat -c %U "$file") ${file#"$T"/}"
	case $mode in
	*00) ;;
	*) fail "$file has mode $mode" ;;
	esac
done <holders

note "a wrong file"
run_exit 2 imagerepo site param kbh1 vault --file SECRET
contains err "NAME=FILE"
run_exit 1 imagerepo site param kbh1 vault --file SECRET=/dev/null/nothing
run_exit 1 imagerepo site param kbh1 vault --file SECRET=/dev/null
head -c 100000 /dev/zero >zeros
run_exit 1 imagerepo site param kbh1 vault --file SECRET=zeros
