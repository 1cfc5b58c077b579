#!/bin/bash
# imagerepo phase: a version for some of the sites first. What is signed says so, list shows
# it, and of two sites the one among the 50 % takes it, the other one at 100.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need apt-get curl gpg gpgv jq rsync ssh

make_gnupg operator
port=$(free_port)
start_sshd "SetEnv PATH=$PATH" "SetEnv LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}"
export WAYBILL_REPO=$T/repo
imagerepo init --key "$KEY_FPR" --list-key "$KEY_FPR" --suite stable --suite testing \
	--url "http://127.0.0.1:$port" --server "root@127.0.0.1:$SSHD_PORT" \
	--host-key "$SSHD_DIR/host_key.pub" >/dev/null
imagerepo serve --port "$port" >web.log 2>&1 &
track_pid $!
dir=main/binary-$(dpkg --print-architecture)

# place SITE VERSION: of askom, as docs/spec/site-list.md has it
place()
{
	local hex
	hex=$(printf 'waybill-phase %s askom %s' "$1" "$2" | sha256sum | cut -c1-16)
	echo $((((0x${hex:0:8} % 100 << 32) + 0x${hex:8}) % 100))
}

# percentage SUITE VERSION: what a client finds, after it has checked what is signed; "none"
percentage()
{
	local suite=repo/public/dists/$1 sum
	gpgv --quiet --keyring "$T/operator.gpg" --output release "$suite/InRelease" 2>/dev/null ||
		fail "the signature of $1"
	sum=$(awk -v f="$dir/Packages" '$3 == f { print $1 }' release)
	equal "$(sha256sum <"$suite/$dir/Packages" | cut -d' ' -f1)" "$sum" "Packages of $1"
	awk -v version="$2" '/^Package:/ { name = $2; phase = "none" } /^Version:/ { found = $2 }
		/^Phased-Update-Percentage:/ { phase = $2 }
		/^$/ && name == "askom" && found == version { print phase }' "$suite/$dir/Packages"
}

# make_site NAME: with a root of its own, which must have askom
make_site()
{
	local root=$T/$1
	make_dpkg_root "$root"
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$root/etc/waybill/ssh/id_ed25519"
	imagerepo site add "$1" --key "$root/etc/waybill/ssh/id_ed25519.pub" >/dev/null
	imagerepo site assign "$1" askom >/dev/null
	imagerepo site keys >"$SSHD_AUTHORIZED_KEYS"
	imagerepo site bundle "$1" | tar -x -C "$root" --no-same-owner
	echo "Fetch-User: nobody" >>"$root/etc/waybill/pkgmgr.conf"
	chown -R nobody "$root/etc/waybill/ssh"
}

# site_has NAME VERSION, after a sync
site_has()
{
	run_exit 0 pkgmgr --root "$T/$1" sync
	# shellcheck disable=SC2016 # dpkg's own ${}
	equal "$(dpkg-query --admindir="$T/$1/var/lib/dpkg" -W -f '${Version}' askom)" "$2" "askom at $1"
}

note "two names of which version 2.0 is for one at 50 %"
early='' late=''
for n in $(seq 40); do
	if [ "$(place "kbh$n" 2.0)" -lt 50 ]; then
		early=${early:-kbh$n}
	else
		late=${late:-kbh$n}
	fi
done
[ -n "$early" ] && [ -n "$late" ] || fail "no names: '$early' '$late'"
imagerepo add "$(make_deb debs askom 1.0)" >/dev/null
make_site "$early"
make_site "$late"
site_has "$early" 1.0
site_has "$late" 1.0

note "published for nobody yet, from its first moment on"
run_exit 0 imagerepo add --phase 0 "$(make_deb debs askom 2.0)"
equal "$(percentage stable 2.0)" 0 "percentage of 2.0"
equal "$(percentage stable 1.0)" none "percentage of 1.0"
site_has "$early" 1.0
site_has "$late" 1.0

note "for half of the sites: one takes it, the other waits and says so"
run_exit 0 imagerepo phase askom 50
equal "$(cat out)" "askom 2.0 $(dpkg --print-architecture): now for 50 % of the sites, in stable" "what it says"
equal "$(percentage stable 2.0)" 50 "percentage of 2.0"
equal "$(percentage stable 1.0)" none "percentage of 1.0"
imagerepo verify >/dev/null
site_has "$early" 2.0
site_has "$late" 1.0
imagerepo site show "$late" >shown
contains shown "askom 2.0 waits: it is out for 50 % of the sites so far"

note "list shows it, as text and JSON"
run_exit 0 imagerepo list askom
equal "$(awk '$2 == "2.0" { print $6, $7, $8 }' out)" "stable (50 %)" "2.0 in the list"
equal "$(awk '$2 == "1.0" { print $6 $7 }' out)" "stable" "1.0 in the list"
run_exit 0 imagerepo list --json askom
equal "$(jq -c 'map([.version, .suites, .phased_update_percentage])' out)" \
	'[["2.0",["stable"],{"stable":50}],["1.0",["stable"],{}]]' "JSON"

note "what changes nothing publishes nothing"
before=$(tree_hash repo/public)
run_exit 0 imagerepo phase askom=2.0 50
contains out "already for 50 % of the sites"
equal "$(tree_hash repo/public)" "$before" "the public tree"

note "a resign and another package leave it"
imagerepo resign >/dev/null
imagerepo add "$(make_deb debs tool 1.0)" >/dev/null
equal "$(percentage stable 2.0)" 50 "percentage of 2.0"

note "a suite has a percentage of its own"
imagerepo add --suite testing debs/askom_2.0_* >/dev/null
equal "$(percentage testing 2.0)" none "percentage in testing"
imagerepo phase --suite testing askom 10 >/dev/null
equal "$(percentage testing 2.0)" 10 "percentage in testing"
equal "$(percentage stable 2.0)" 50 "percentage in stable"
run_exit 0 imagerepo list askom
contains out "stable (50 %) testing (10 %)"
imagerepo remove --suite testing askom >/dev/null

note "an older version by its name; the newest stays"
imagerepo phase askom=1.0 7 >/dev/null
equal "$(percentage stable 1.0) $(percentage stable 2.0)" "7 50" "percentages"
imagerepo phase askom=1.0 100 >/dev/null

note "killed anywhere, readers see one or the other"
for delay in 0.005 0.01 0.02 0.04; do
	imagerepo phase askom 60 >/dev/null 2>&1 &
	one=$!
	sleep "$delay"
	kill -KILL $one 2>/dev/null || true
	wait $one 2>/dev/null || true
	now=$(percentage stable 2.0)
	[ "$now" = 50 ] || [ "$now" = 60 ] || fail "percentage after a kill: $now"
	imagerepo phase askom 60 >/dev/null
	equal "$(percentage stable 2.0)" 60 "percentage after the second run"
	imagerepo verify >/dev/null
	imagerepo phase askom 50 >/dev/null
done

note "for all"
run_exit 0 imagerepo phase askom 100
contains out "now for all sites, in stable"
equal "$(percentage stable 2.0)" none "percentage of 2.0"
site_has "$late" 2.0
site_has "$early" 2.0

note "what is refused"
before=$(tree_hash repo/public)
for percent in 101 -1 half 5.5 ''; do
	run_exit 2 imagerepo phase askom -- "$percent"
	run_exit 2 imagerepo add --phase="$percent" debs/tool_1.0_*
done
run_exit 2 imagerepo phase askom
run_exit 2 imagerepo phase askom 50 60
run_exit 1 imagerepo phase askom=9 50
contains err "askom=9 is not published; see 'imagerepo list'"
run_exit 1 imagerepo phase --suite testing askom 50
run_exit 1 imagerepo phase nothing 50
equal "$(tree_hash repo/public)" "$before" "the public tree"
