#!/bin/bash
# A generic stick asks the configuration server which site its machine is: the script that
# does it in the installer, in the shells that it has, against a real sshd and imagerepo-gate.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need siteusb imagerepo dash busybox ssh ssh-keygen gpgv debconf-set-selections

make_gnupg operator
export WAYBILL_REPO=$T/repo
start_enrolling_sshd
imagerepo init --key "$KEY_FPR" --list-key "$KEY_FPR" --url http://127.0.0.1:1/ \
	--server "root@127.0.0.1:$SSHD_PORT" --host-key "$SSHD_DIR/host_key.pub" >&2
for site in kbh1 kbh2; do
	imagerepo site add $site >&2
	printf 'Disk: smallest\nDomain: example.org\nTime-Zone: Europe/Copenhagen\n' >$site.conf
	siteusb part --site $site --config $site.conf -o $site.part
	imagerepo site preseed $site $site.part >&2
done
imagerepo site hardware kbh1 --serial SN-1 --mac 52:54:00:00:00:01 >&2
imagerepo site bundle --generic --batch 5 -o generic.tar >&2

# machine SERIAL MAC: its /sys and /etc, and the stick's files, in $M
machine()
{
	M=$T/machine
	rm -rf "$M"
	mkdir -p "$M/sys/class/dmi/id" "$M/sys/class/net/eno1/device" "$M/sys/class/net/lo" \
		"$M/waybill" "$M/etc"
	echo "$1" >"$M/sys/class/dmi/id/product_serial"
	echo "$2" >"$M/sys/class/net/eno1/address"
	echo 00:00:00:00:00:00 >"$M/sys/class/net/lo/address"
	cp "${BUNDLE:-generic.tar}" "$M/waybill/bundle.tar"
}

# fetch: what the script says is in $T/said, the answers that it took in $T/taken
fetch()
{
	cat >run <<-'RUN'
		set -e
		say() { echo "say $*"; }
		stop()
		{
			echo "stop $*"
			exit
		}
		hostname() { echo "hostname $1"; }
		answer() { sed -n "s#^d-i $1 string ##p" taken; }
		. "$script"
	RUN
	rm -f taken
	env -i PATH="$T/bin:$PATH" waybill="$M/waybill" sys="$M/sys" etc="$M/etc" \
		script="$top_srcdir/preseed/installer/fetch" "${SHELL_OF[@]}" run >said ||
		fail "the script failed"
}

stops()
{
	contains said "stop The configuration server has not said which site this machine is"
	contains said "$1"
	[ ! -e taken ] || fail "it took answers"
	[ ! -e "$M/etc/hostname" ] || fail "it took a name"
}

check_all()
{
	note "the machine that was written down"
	machine SN-1 52:54:00:00:00:01
	fetch
	contains said "this machine becomes kbh1"
	equal "$(head -n 2 taken)" "# waybill-preseed 1
# Site: kbh1" "head of what was signed"
	cmp <(tail -n +3 taken) kbh1.part
	debconf-set-selections --checkonly taken
	equal "$(cat "$M/etc/hostname")" kbh1 "name"
	contains "$M/etc/hosts" "127.0.1.1	kbh1.example.org kbh1"

	note "one that nobody has"
	machine SN-2 52:54:00:00:00:02
	fetch
	stops "hardware"

	note "answers that the list key has not signed"
	machine SN-1 52:54:00:00:00:01
	mkdir -p tree
	rm -rf tree/*
	tar -xf generic.tar -C tree
	gpg --batch --quiet --homedir "$T/other" --export >tree/etc/waybill/trust.d/site-list.gpg
	BUNDLE=$T/other.tar
	tar -cf other.tar -C tree etc
	machine SN-1 52:54:00:00:00:01
	fetch
	stops "No public key"
	BUNDLE=

	note "another server"
	tar -xf generic.tar -C tree
	sed -i "s# ssh-ed25519 .*# $(cut -d' ' -f1,2 stranger.pub)#" tree/etc/waybill/ssh/known_hosts
	tar -cf other.tar -C tree etc
	BUNDLE=$T/other.tar
	machine SN-1 52:54:00:00:00:01
	fetch
	stops "Host key verification failed"
	BUNDLE=
}

ssh-keygen -q -t ed25519 -N '' -f stranger
mkdir -m 700 other
at_exit "GNUPGHOME=$T/other gpgconf --kill all"
gpg --batch --quiet --homedir "$T/other" --passphrase '' \
	--quick-generate-key "other <other@waybill.test>" ed25519 sign never 2>/dev/null
mkdir bin
printf '#!/bin/sh\ncp "$1" taken\n' >bin/debconf-set-selections
chmod 755 bin/debconf-set-selections
for shell in dash "busybox sh"; do
	note "$shell"
	read -ra SHELL_OF <<<"$shell"
	check_all
done
