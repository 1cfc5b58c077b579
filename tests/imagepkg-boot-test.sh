#!/bin/bash
# imagepkg boot-test: boots a package's image in a QEMU of its own and believes its health
# checks; says why one fails; leaves nothing behind; imagerepo add --tested asks for it.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/tiny.sh"
need qemu-system-x86_64 qemu-img mke2fs debugfs gpg jq
mkdir tmp
export TMPDIR=$T/tmp

# No QEMU of ours, no directory of ours.
no_qemu() { ! pgrep -f "$T/tmp/" >/dev/null; }
nothing_left() { no_qemu && [ -z "$(ls tmp)" ]; }
clean() { nothing_left || fail "left behind: $(ls tmp; pgrep -af "$T/tmp/")"; }

# variant VERSION HEALTH [INITTAB LINE...]: tiny with this check; with lines, its init is these
files=$T/files
mkdir "$files"
dpkg-deb --fsys-tarfile "$(tiny_deb)" |
	tar -x -C "$files" --strip-components=6 ./var/lib/waybill/appliances/tiny
qemu-img convert -O raw "$files/disk.qcow2" "$files/good.raw"
variant()
{
	local version=$1 health=$2
	shift 2
	cp "$files/good.raw" "$files/disk.raw"
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@" >"$files/inittab"
		printf 'rm /etc/inittab\nwrite %s /etc/inittab\n' "$files/inittab" |
			debugfs -w -f - "$files/disk.raw" >/dev/null 2>&1
	fi
	sed -E '/^(Format|Appliance|Version|Architecture|Base-SHA256|Disk|Health|Watch):/d
		/^ (http|tcp|agent)/d' "$files/appliance.conf" >"$files/conf"
	printf 'Health:\n %s\n' "$health" >>"$files/conf"
	imagepkg --quiet wrap --name tiny --version "$version" --disk "$files/disk.raw" \
		--kernel "$files/vmlinuz" --initrd "$files/initrd.img" --config "$files/conf" -o "$T"
}
setup="::sysinit:/sbin/init-tiny"
httpd="::respawn:/bin/busybox httpd -f -p 80 -h /www"

note "a good one passes, and may be published"
deb=$T/tiny_1.0_amd64.deb
cp "$(tiny_deb)" "$deb"
run_exit 0 imagepkg --json boot-test --watch 3s --param "GREETING=it's \"me\"" --log-dir log "$deb"
contains err "http:80/ passed after"
contains err "shut down in"
equal "$(jq -r '.result, .package, .checks[0].name, .checks[0].saw' out | xargs)" \
	"passed tiny http:80/ HTTP 200" "what --json says"
jq -r '.checks[0].output' out >page
contains page "greeting: it's \"me\""
contains page "data-boots: 1"
lacks page "swap-kib: 0"
contains tiny_1.0_amd64.tested "SHA256: $(sha256sum <"$deb" | cut -d' ' -f1)"
contains tiny_1.0_amd64.tested "Result: passed"
contains log/console.log "tiny 1.0 is ready"
equal "$(file -b log/screen.png | cut -d' ' -f1)" PNG "the screenshot"
clean
make_gnupg boot-test
export WAYBILL_REPO=$T/repo
imagerepo init --key "$KEY_FPR" >/dev/null
imagerepo add --tested "$deb" >out
contains out "tiny 1.0 amd64: published"

note "its service does not come up"
bad=$(variant 2.0 "http:80/ deadline=15s" "$setup")
run_exit 1 imagepkg boot-test --log-dir log "$bad"
contains err "failed its boot test: http:80/: "
contains err "deadline of 15 s is over"
contains out "tiny_2.0_amd64.deb: FAILED"
contains out "the end of its console"
contains out "is ready"
contains tiny_2.0_amd64.tested "Result: failed"
contains tiny_2.0_amd64.tested " http:80/ failed: "
clean
run_exit 3 imagerepo add --tested "$bad"
contains err "failed its boot test at"
equal "$(imagerepo list | grep -c '^tiny')" 1 "published"

note "its kernel panics, it switches itself off, it dies while it is watched"
bad=$(variant 3.0 "http:80/ deadline=60s" "::sysinit:/bin/busybox sh -c 'echo c >/proc/sysrq-trigger'")
run_exit 1 imagepkg boot-test "$bad"
contains err "the guest's kernel panicked: sysrq"
bad=$(variant 4.0 "http:80/ deadline=60s" "::sysinit:/bin/busybox poweroff -f")
run_exit 1 imagepkg boot-test "$bad"
contains err "failed its boot test: the guest switched itself off"
bad=$(variant 5.0 "http:80/ deadline=60s interval=1s" "$setup" \
	"::once:/bin/busybox timeout 20 /bin/busybox httpd -f -p 80 -h /www")
run_exit 1 imagepkg boot-test --watch 60s "$bad"
contains err "s after all checks had passed"
contains out "http:80/ passed after"
clean

note "no agent where one is asked for"
bad=$(variant 6.0 "agent deadline=10s" "$setup" "$httpd")
run_exit 1 imagepkg boot-test "$bad"
contains err "agent: no guest agent runs in the guest (yet)"

note "stopped by a signal, and killed: no QEMU stays"
imagepkg boot-test --watch 1h "$deb" >out 2>err &
pid=$!
track_pid $pid
wait_for 60 "it is watched" grep -q "watching it" err
kill -TERM $pid
status=0
wait $pid || status=$?
equal $status 1 "exit status after TERM"
contains err "stopped by a signal"
clean
imagepkg boot-test --watch 1h "$deb" >out 2>err &
pid=$!
track_pid $pid
wait_for 60 "it is watched" grep -q "watching it" err
kill -KILL $pid
wait $pid 2>/dev/null || true
wait_for 10 "QEMU is gone with it" no_qemu
rm -rf tmp/*
contains tiny_1.0_amd64.tested "Result: passed"

note "what is no package, or cannot be booted here"
# refused STATUS TEXT ARGUMENT...: with a message, and without a verdict
refused()
{
	local status=$1 text=$2
	shift 2
	run_exit "$status" imagepkg boot-test "$@"
	contains err "$text"
	clean
}
rm tiny_1.0_amd64.tested
refused 1 "there is no file missing.deb" missing.deb
echo garbage >garbage.deb
refused 1 "garbage.deb" garbage.deb
head -c 5000000 "$deb" >cut.deb
refused 1 "cut.deb" cut.deb
refused 1 "is a Debian package but no image package" "$(make_deb debs hello 1.0)"
refused 2 "declares no parameter" --param NOPE=1 "$deb"
refused 2 "is not NAME=VALUE" --param GREETING "$deb"
refused 2 "--watch" --watch soon "$deb"
refused 2 "at most 7d" --watch 8d "$deb"
refused 2 "" "$deb" "$deb"
refused 2 ""
printf 'Boot: host-kernel\nNetwork: none\n' >host.conf
imagepkg --quiet wrap --disk "$files/good.raw" --name hostk --version 1 --config host.conf >/dev/null
[ -r "/boot/vmlinuz-$(uname -r)" ] || refused 3 "needs the running kernel's files" hostk_1_amd64.deb
printf 'Boot: disk\nFirmware: uefi\nNetwork: none\n' >uefi.conf
imagepkg --quiet wrap --disk "$files/good.raw" --name uefi --version 1 --config uefi.conf >/dev/null
[ -e /usr/share/OVMF ] || refused 3 "needs the package ovmf" uefi_1_amd64.deb
mkdir tree
dpkg-deb -R "$deb" tree
echo x >>tree/var/lib/waybill/appliances/tiny/disk.qcow2
dpkg-deb --root-owner-group -Zgzip -z1 -b tree changed.deb >/dev/null
refused 1 "is not the one that appliance.conf names" changed.deb
equal "$(ls ./*.tested)" "$(printf '%s\n' ./tiny_{2,3,4,5,6}.0_amd64.tested)" "verdicts"
