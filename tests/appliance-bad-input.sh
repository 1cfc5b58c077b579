#!/bin/bash
# Wrong, truncated, oversized and hostile input to each command of appliance: a clear
# message, exit 1, 2 or 3, and nothing changed.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/tests/lib/appliance.sh"
need qemu-img qemu-io sqlite3
make_site
# No hypervisor: nothing here may get that far.
export WAYBILL_LIBVIRT_URI="qemu+unix:///system?socket=$T/nobody"
put_package good 1.0 "Params: GREETING=hello"
appliance --root "$root" want good
conf=$root/var/lib/waybill/appliances/good/appliance.conf
cp "$conf" conf.good

# What must not change: every file, and the rows but for their time.
snapshot()
{
	find "$root" -type f ! -name state.db ! -name appliance.lock -exec sha256sum {} + | sort
	sqlite3 "$root/var/lib/waybill/state.db" "SELECT name, wanted_state, wanted_version,
		wanted_base, actual_version FROM instance"
}

# refused EXIT TEXT ARGUMENT...: exit so, say so, on one line, and leave all as it was
refused()
{
	local want=$1 text=$2
	shift 2
	snapshot >before
	run_exit "$want" appliance --root "$root" "$@"
	contains err "$text"
	equal "$(wc -l <err)" 1 "lines of message for: $*"
	! LC_ALL=C grep -q '[[:cntrl:]]' err || fail "control characters come through: $*"
	snapshot | cmp -s before - || { snapshot | diff before -; fail "changed by: $*"; }
}

note "arguments"
run_exit 2 appliance
contains err "no command"
refused 2 "unknown command" frobnicate
refused 2 "unknown option" list --frobnicate
for command in show want start stop pause resume reset console screenshot retain drop health; do
	refused 2 "too few arguments" $command
	refused 2 "too many arguments" $command good good
	for evil in '' / . .. ../good good/../good 'a b' 'go*d' '<x/>' "good'" '$(id)' \
		'-' "$(printf 'x%.0s' {1..200})" $'go\nod' $'go\e[31md'; do
		refused 2 "is not the name of an appliance" $command -- "$evil"
	done
done
for command in show start stop pause resume reset console screenshot converge; do
	refused 1 "there is no instance" $command stranger
done
refused 1 "is not installed" want stranger
refused 2 "is not one of running" want good --state flying
refused 2 "needs an argument" want good --state
refused 2 "name the instances, or give --all" converge
refused 2 "too many arguments" converge --all good
refused 2 "is not the name" converge ../good
refused 2 "keep" gc --keep -1
refused 2 "keep" gc --keep many
refused 1 "no hypervisor answers" screenshot good

note "arguments of exec, put and get"
for command in "exec 125" "put 2" "get 2"; do
	want=${command#* }
	command=${command% *}
	refused "$want" "too few arguments" "$command"
	refused "$want" "too few arguments" "$command" good
	refused "$want" "is not the name" "$command" ../good /a /b
done
refused 125 "there is no instance" exec stranger true
refused 125 "unknown option '-l'" exec good ls -l
refused 125 "no hypervisor answers" exec good -- ls -l
refused 125 "--timeout" exec --timeout 0 good true
refused 125 "--timeout" exec --timeout 8d good true
refused 125 "is no duration" exec --timeout soon good true
echo text >file
refused 1 "there is no instance" put stranger file /root/file
refused 1 "there is no instance" get stranger /root/file file
refused 1 "no hypervisor answers" put good file /root/file
refused 1 "no hypervisor answers" get good /root/file file
for evil in '' file ../file 'C:\file'; do
	refused 2 "must begin with '/'" put good file "$evil"
	refused 2 "must begin with '/'" get good "$evil" file
done
refused 2 "is a directory" put good file /root/
refused 2 "is a directory" get good /root/ file
refused 1 "No such file" put good missing /root/file
refused 2 "no regular file" put good /dev/zero /root/file
refused 2 "no regular file" put good "$T" /root/file
mkfifo fifo
refused 2 "no regular file" put good fifo /root/file
refused 2 "no regular file" get good /root/file fifo
refused 2 "is a directory" get good /root/file "$T"
refused 2 "has no name" get good /root/file ''
truncate -s 2G huge
refused 1 "larger than the 1 GiB" put good huge /root/file
refused 3 "has no system disk yet" health good
refused 1 "no hypervisor answers" console good
refused 1 "has not been started" console good --log
snapshot >before
run_exit 1 appliance --root "$T/nowhere" list
contains err "nowhere"
run_exit 2 appliance --root "$conf" list
contains err "not a directory"

# bad_conf TEXT LINE: appliance.conf with this line in place of its field's
bad_conf()
{
	sed "/^${2%%:*}:/d" conf.good >"$conf"
	printf '%s\n' "$2" >>"$conf"
	refused 1 "$1" want good
	cp conf.good "$conf"
}

note "appliance.conf"
bad_conf "Format" "Format: something else 1"
bad_conf "Appliance: is other" "Appliance: other"
bad_conf "Appliance" "Appliance: ../../../etc/passwd"
bad_conf "Version" "Version: 1/../../x"
bad_conf "Version" "Version: <!ENTITY x>"
bad_conf "Base-SHA256" "Base-SHA256: ../../../../etc/shadow"
bad_conf "Base-SHA256" "Base-SHA256: $(printf 'A%.0s' {1..64})"
bad_conf "Memory" "Memory: 99999999999T"
bad_conf "Memory" "Memory: -5"
bad_conf "Vcpus" "Vcpus: 1</vcpu>"
bad_conf "Ports" "Ports: 1:1,hostfwd=tcp::22-:22"
bad_conf "Ports" "Ports: 80:80 80:81"
bad_conf "Network" "Network: bridge"
bad_conf "Boot" "Boot: ../vmlinuz"
bad_conf "Kernel-Args" "Kernel-Args: quiet"
bad_conf "Health" "Health: sh:rm"
bad_conf "exclude" "$(printf 'Data: 1G\nUpgrade: parallel')"
bad_conf "Params" "Params: \$(id)=1"
bad_conf "Colour" "Colour: blue"
: >"$conf"
refused 1 "holds no stanza" want good
head -c 100 conf.good >"$conf"
refused 1 "$conf" want good
head -c 100000 /dev/zero | tr '\0' '#' >"$conf"
refused 1 "appliance.conf" want good
head -c 1000 /dev/urandom >"$conf"
refused 1 "appliance.conf" want good
printf 'Format: waybill-appliance 1\0\n' >"$conf"
refused 1 "appliance.conf" want good
rm "$conf"
refused 1 "is not installed" want good
mkdir "$conf"
refused 1 "appliance.conf" want good
rmdir "$conf"
cp conf.good "$conf"

note "the host's appliance.conf"
for line in "Stop-Timeout: soon" "Keep-Bases: all" "Stop-Timeout: 2h" "Nat-Network: 10.0.0.0/8" \
	"Nat-Network: 192.168.1.5/24" "Nat-Network: 1'/><x/>.0/24" "Nonsense: yes" "nonsense"; do
	echo "$line" >"$root/etc/waybill/appliance.conf"
	refused 1 "etc/waybill/appliance.conf" list
done
rm "$root/etc/waybill/appliance.conf"

note "state.db"
cp "$root/var/lib/waybill/state.db" db.good
head -c 2000 /dev/urandom >"$root/var/lib/waybill/state.db"
run_exit 1 appliance --root "$root" list
contains err "state.db"
cp db.good "$root/var/lib/waybill/state.db"
sqlite3 "$root/var/lib/waybill/state.db" "PRAGMA user_version = 99"
run_exit 1 appliance --root "$root" list
contains err "upgrade Waybill"
cp db.good "$root/var/lib/waybill/state.db"
sqlite3 "$root/var/lib/waybill/state.db" "UPDATE instance SET wanted_state = 'odd'"
run_exit 1 appliance --root "$root" converge good
contains err "odd"
cp db.good "$root/var/lib/waybill/state.db"

note "a package's disk that is a link to elsewhere is not taken for a base"
echo secret >victim
chmod 600 victim
disk=$root/var/lib/waybill/appliances/good/disk.qcow2
mv "$disk" disk.good
ln -s "$T/victim" "$disk"
run_exit 1 appliance --root "$root" converge good
contains err "$disk"
equal "$(stat -c %a victim)" 600 "mode of what the link points at"
rm "$disk"
mv disk.good "$disk"
