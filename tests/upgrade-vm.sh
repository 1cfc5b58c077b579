#!/bin/bash
# Upgrades in real guests: a good one stays; each kind of sick one goes back by itself, the
# old version serves again with the data as it was, and the reason is one that an operator
# understands. tiny counts in its page how often each of its disks was booted with.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need_libvirt
need dpkg qemu-img curl debugfs sqlite3
make_site
port=$(free_port)
db=$root/var/lib/waybill/state.db
dir=$root/var/lib/waybill/instances/askom

appliance()
{
	command appliance --root "$root" "$@"
}

# version VERSION DEADLINE WATCH [INITTAB LINE...]: a package; with lines, its init is these
version()
{
	local version=$1 deadline=$2 watch=$3
	shift 3
	ALTER=
	if [ $# -gt 0 ]; then
		ALTER=$T/alter-$version
		mkdir -p "$ALTER/etc" "$ALTER/www/cgi-bin"
		printf '%s\n' "$@" "::ctrlaltdel:/bin/busybox poweroff" >"$ALTER/etc/inittab"
		printf '#!/bin/sh\necho x >/var/probe && sync && printf "Content-Type: text/plain\\r\\n\\r\\nok\\n"\n' \
			>"$ALTER/www/cgi-bin/write"
		chmod 755 "$ALTER/www/cgi-bin/write"
	fi
	tiny_altered askom "$version" "Ports: $port:80" "Watch: $watch" \
		"Health: http:80${CHECK_PATH:-/} deadline=$deadline interval=2s"
}

install()
{
	root_dpkg "$root" -i "$1" >dpkg.log 2>&1 || { cat dpkg.log >&2; fail "dpkg -i $1"; }
}

reason()
{
	sqlite3 "$db" "SELECT reason || ' / ' || detail FROM bad_version WHERE version = '$1'"
}

boots()
{
	page "$port" | sed -n 's/^data-boots: //p'
}

# serves VERSION BOOTS: the page of VERSION, on a data disk that saw so many boots
serves()
{
	wait_for 120 "the page of $1" page_says "$port" "tiny $1"
	equal "$(boots)" "$2" "boots with the data disk"
	equal "$(of_root | wc -l)" 1 "domains"
	appliance list --json | tr -d ' \n' | grep -q "\"running_version\":\"$1\"" ||
		fail "list: $(appliance list)"
}

init="::sysinit:/sbin/init-tiny"
httpd="::respawn:/bin/busybox httpd -f -p 80 -h /www"

note "a first version, and a good upgrade"
install "$(version 1.0 120s 0s)"
run_exit 0 appliance converge askom
serves 1.0 1
install "$(version 2.0 120s 3s)"
run_exit 0 appliance converge askom
serves 2.0 2
# The watch is over: the data disk becomes one file while the guest uses it.
sleep 3
run_exit 0 appliance converge askom
equal "$(sqlite3 "$db" "SELECT good_version FROM instance")" 2.0 "good version"
lacks err "merged when it is off"
qemu-img info -U --output=json "$dir/data.qcow2" >data.json
lacks data.json backing-filename
serves 2.0 2
appliance stop askom
qemu-img check -q "$dir/data.qcow2" || fail "the merged data disk"
appliance start askom
serves 2.0 3
[ ! -e "$dir/before" ] || fail "before/ is left"

# sick VERSION WORDS: that package is reverted, for a reason with WORDS; 2.0 serves
n=3
sick()
{
	local version=$1 words=$2 before
	before=$(date +%s)
	run_exit 3 appliance converge askom
	contains err "$version was reverted, and 2.0 runs again: "
	n=$((n + 1))
	serves 2.0 $n
	reason "$version" | tr '\n' ' ' | grep -qE "$words" || fail "reason: $(reason "$version")"
	note "$(reason "$version" | head -1), $(($(date +%s) - before)) s from converge to the old page"
	[ ! -e "$dir/before" ] || fail "before/ is left"
	qemu-img check -q -U "$dir/data.qcow2" || fail "the data disk"
}

note "its service does not come up"
install "$(version 3.0 25s 5m "$init")"
sick 3.0 'http:80/: .*, [0-9]+ s after its start.*end of its console log'

note "its kernel panics at boot"
install "$(version 4.0 120s 5m "::sysinit:/bin/busybox sh -c 'sleep 2; echo c >/proc/sysrq-trigger'")"
sick 4.0 "kernel panicked: sysrq triggered crash"

note "it hangs"
install "$(version 5.0 20s 5m "::sysinit:/bin/busybox sh -c 'while :; do :; done'")"
sick 5.0 'http:80/: .* s after its start'

note "it fills its disk: a check that writes notices"
CHECK_PATH=/cgi-bin/write
# Full before it serves: a check that comes in time would find it healthy, and commit.
install "$(version 6.0 40s 5m "$init" \
	"::wait:/bin/busybox sh -c 'while cat /bin/busybox; do :; done >/var/fill 2>/dev/null'" \
	"$httpd")"
CHECK_PATH=
sick 6.0 'http:80/cgi-bin/write: '

note "healthy for a while, and then dead"
install "$(version 7.0 120s 5m "$init" \
	"::once:/bin/busybox sh -c 'httpd -p 80 -h /www; sleep 12; killall httpd'")"
run_exit 0 appliance converge askom
wait_for 120 "the page of 7.0" page_says "$port" "tiny 7.0"
no_page() { ! page "$port"; }
wait_for 60 "its death" no_page
run_exit 0 appliance converge askom
run_exit 0 appliance converge askom
sick 7.0 'http:80/: .* s after it had become healthy'

note "none of them is tried again; a newer one is"
appliance want askom 2>err
contains err "was reverted here"
run_exit 0 appliance converge askom
serves 2.0 $n
install "$(version 8.0 120s 0s)"
run_exit 0 appliance converge askom
n=$((n + 1))
serves 8.0 $n
