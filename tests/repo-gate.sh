#!/bin/bash
# The gate behind a real sshd, with real ssh and rsync: a site gets its own list and
# parameters, leaves a report, and nothing else works.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need gpg rsync ssh ssh-keygen

make_gnupg repo-gate
export WAYBILL_REPO=$T/repo
imagerepo init --key "$KEY_FPR" >/dev/null
for site in kbh1 kbh2; do
	ssh-keygen -q -t ed25519 -N '' -C "$site" -f "$site"
	imagerepo site add $site --key $site.pub >/dev/null
	imagerepo site assign $site "askom-$site" >/dev/null 2>&1
done
imagerepo site param kbh1 askom-kbh1 GREETING="secret of kbh1" >/dev/null

# sshd gives its children no PATH of ours.
start_sshd "SetEnv PATH=$PATH" "SetEnv LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}"
imagerepo site keys >"$SSHD_AUTHORIZED_KEYS"
user=$(id -un)

# as_site SITE [COMMAND]: ssh with that site's key
as_site()
{
	local site=$1
	shift
	ssh -F none -p "$SSHD_PORT" -i "$T/$site" -o IdentitiesOnly=yes -o BatchMode=yes \
		-o UserKnownHostsFile="$SSHD_KNOWN_HOSTS" -o LogLevel=ERROR "$user@127.0.0.1" "$@"
}

# fetch SITE DEST RSYNC-ARGUMENT...: as pkgmgr does
fetch()
{
	local site=$1 dest=$2
	shift 2
	rsync --recursive --times --delete --max-size=1m "$@" \
		-e "ssh -F none -p $SSHD_PORT -i $T/$site -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile=$SSHD_KNOWN_HOSTS -o LogLevel=ERROR" \
		"$user@127.0.0.1:./" "$dest/"
}

note "a site fetches its list and parameters"
fetch kbh1 stage1
equal "$(tree_hash stage1 | cut -c1-64)" "$(tree_hash repo/private/sites/kbh1/out/ | cut -c1-64)" \
	"what kbh1 fetched"
contains stage1/site.list "askom-kbh1"
contains stage1/params/askom-kbh1 "secret of kbh1"
fetch kbh2 stage2
contains stage2/site.list "askom-kbh2"
lacks stage2/site.list "askom-kbh1"

note "a new list replaces the old one, also with a timeout and compression"
imagerepo site unassign kbh1 askom-kbh1 >/dev/null
imagerepo site param kbh1 askom-kbh1 GREETING= >/dev/null
fetch kbh1 stage1 --timeout=60 --compress
lacks stage1/site.list "askom-kbh1"
[ ! -e stage1/params/askom-kbh1 ] || fail "old parameters stayed"

note "a list that is signed during the transfer does not tear it"
for i in $(seq 8); do
	imagerepo site assign kbh1 "round-$i" >/dev/null 2>&1 &
	signer=$!
	fetch kbh1 stage1
	wait $signer
	gpg --batch --verify stage1/site.list 2>/dev/null || fail "a torn list in round $i"
done

report()
{
	printf '{"format":"waybill-report 1","site":"%s","serial":3,"epoch":1,"time":"2026-11-20T23:40:51Z","result":"failed","exit_code":1,"reason":"disk full\\u001b[31m","attention":["a reboot is needed\\u001b[31m",7,{}],"packages":[{"name":"askom","wanted":"1.4.0","installed":"1.3.0"}],"instances":[{"name":"askom","state":"running","running_version":"1.3.0"}]}' "$1"
}

note "a report arrives and is shown in words"
report kbh1 | as_site kbh1 report
imagerepo site show kbh1 >shown
contains shown "2026-11-20T23:40:51Z: failed, disk full?[31m (exit 1)"
contains shown "askom: wanted 1.4.0 installed 1.3.0"
contains shown "askom: is running version 1.3.0"
contains shown "it has seen list 3, not this one"
equal "$(grep -c ^attention shown)" 1 "sentences about the host"
contains shown "attention    a reboot is needed?[31m"
imagerepo site list >listed
contains listed "2026-11-20T23:40:51Z failed"
contains listed "a reboot is needed?[31m"
equal "$(stat -c %a repo/private/sites/kbh1/report.json)" 600 "mode of the report"

note "reports that are refused leave the last one in place"
before=$(sha256sum repo/private/sites/kbh1/report.json)
refuse_report()
{
	local status=0
	as_site kbh1 report >out 2>err || status=$?
	equal "$status" 3 "exit status for $1"
	contains err "refused"
	equal "$(sha256sum repo/private/sites/kbh1/report.json)" "$before" "report after $1"
}
report kbh2 | refuse_report "another site's report"
echo '{' | refuse_report "broken JSON"
: | refuse_report "an empty report"
head -c 100000 /dev/zero | refuse_report "100 kB of NUL"
{ report kbh1; head -c 70000 /dev/zero | tr '\0' ' '; } | refuse_report "a report above the limit"
{ report kbh1; report kbh1; } | refuse_report "a doubled report"

note "hostile commands: refused with exit 3, and nothing is changed"
mkdir -p "$T/canary"
ln -s "$T/canary" repo/private/sites/kbh1/out/params/out-link
echo canary >canary/file
before=$(tree_hash repo/private)
hostile=(
	"" "sh" "/bin/sh -c id" "id" "cat site.list" "scp -f site.list" "internal-sftp"
	"report; touch $T/canary/pwned" "report && touch $T/canary/pwned" "report x"
	"\$(touch $T/canary/pwned)" "\`touch $T/canary/pwned\`" "imagerepo-gate kbh2"
	"rsync --server --sender -tre.iLsfxCIvu . ../" "rsync --server --sender -tre.iLsfxCIvu . .."
	"rsync --server --sender -tre.iLsfxCIvu . ../../kbh2/out/" "rsync --server --sender -tre.iLsfxCIvu . /etc/passwd"
	"rsync --server --sender -tre.iLsfxCIvu . params/../../serial"
	"rsync --server --sender -tre.iLsfxCIvu . params/out-link/file"
	"rsync --server --sender -tre.iLsfxCIvu . params/out-link/"
	"rsync --server --sender -trLe.iLsfxCIvu . ./" "rsync --server --sender -trke.iLsfxCIvu . ./"
	"rsync --server --sender -tre.iLsfxCIvu --copy-links . ./"
	"rsync --server --sender -tre.iLsfxCIvu --copy-unsafe-links . ./"
	"rsync --server --sender -tre.iLsfxCIvu --files-from=/etc/passwd . ./"
	"rsync --server --sender -tre.iLsfxCIvu --log-file=$T/canary/pwned . ./"
	"rsync --server --sender -tre.iLsfxCIvu --remove-source-files . ./"
	"rsync --server --sender -s" "rsync --server --sender -tres . ./"
	"rsync --server -logDtpre.iLsfxCIvu . ./" "rsync --server --daemon ."
	"rsync --daemon --config=/dev/stdin" "rsync --server --sender -e 'sh -c id' . ./"
	"rsync --server --sender -tre.iLsfxCIvu . ./; touch $T/canary/pwned"
	"rsync --server --sender -tre.iLsfxCIvu . ./ > $T/canary/pwned"
	"rsync --server --sender -tre.iLsfxCIvu . *"
	"rsync --server --sender -tre.iLsfxCIvu . ./ ../../kbh2/out/"
	"$(head -c 5000 /dev/zero | tr '\0' a)"
	"rsync --server --sender -tre.iLsfxCIvu . $(head -c 3000 /dev/zero | tr '\0' b)"
	$'report\n' $'rsync --server --sender -tre.iLsfxCIvu . ./\nid' $'\e[31mreport'
)
for command in "${hostile[@]}"; do
	status=0
	timeout 30 env SSH_ORIGINAL_COMMAND="$command" imagerepo-gate kbh1 >out 2>err </dev/null ||
		status=$?
	equal "$status" 3 "exit status for '${command:0:90}'"
	contains err "refused"
	[ ! -s out ] || fail "'${command:0:90}' put something out"
done
for command in "${hostile[@]:1:15}"; do # and through sshd
	status=0
	timeout 30 ssh -F none -p "$SSHD_PORT" -i "$T/kbh1" -o IdentitiesOnly=yes -o BatchMode=yes \
		-o UserKnownHostsFile="$SSHD_KNOWN_HOSTS" -o LogLevel=ERROR "$user@127.0.0.1" \
		"$command" >out 2>err </dev/null || status=$?
	equal "$status" 3 "exit status of ssh for '${command:0:90}'"
done
[ ! -e canary/pwned ] || fail "a command was run"
equal "$(tree_hash repo/private)" "$before" "the private tree"

note "a link in the served directory is not followed by an honest rsync either"
fetch kbh1 stage3 2>/dev/null
[ ! -e stage3/params/out-link/file ] || fail "rsync followed a link out of the directory"
rm repo/private/sites/kbh1/out/params/out-link

note "rsync cannot write, ssh gives no terminal and no forwarding"
echo evil >evil
status=0
rsync -e "ssh -F none -p $SSHD_PORT -i $T/kbh1 -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile=$SSHD_KNOWN_HOSTS" \
	evil "$user@127.0.0.1:./evil" >out 2>err || status=$?
[ $status != 0 ] || fail "rsync wrote"
equal "$(find repo/private -name evil)" "" "files named evil"
run_exit 3 as_site kbh1
run_exit 255 as_site kbh1 -W "127.0.0.1:$SSHD_PORT"
ssh-keygen -q -t ed25519 -N '' -f stranger
run_exit 255 as_site stranger report

note "unknown sites, missing repositories, wrong usage"
SSH_ORIGINAL_COMMAND=report run_exit 1 imagerepo-gate nowhere
contains err "no site 'nowhere'"
SSH_ORIGINAL_COMMAND=report run_exit 2 imagerepo-gate ../kbh1
SSH_ORIGINAL_COMMAND=report run_exit 1 imagerepo-gate --repo /nonexistent kbh1
run_exit 2 imagerepo-gate
run_exit 2 imagerepo-gate a b
run_exit 2 imagerepo-gate --evil kbh1
run_exit 0 imagerepo-gate --help
contains out "SSH_ORIGINAL_COMMAND"

note "a refusal is in syslog"
if [ -e /dev/log ] || [ "$(id -u)" != 0 ] || ! command -v python3 >/dev/null; then
	note "not looked at: needs root, python3, and no syslogd"
else
	python3 - "$T/syslog" <<-'PYTHON' &
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind("/dev/log")
		s.settimeout(20)
		try:
		    data = s.recv(4096)
		finally:
		    os.unlink("/dev/log")
		open(sys.argv[1], "wb").write(data)
	PYTHON
	listener=$!
	wait_for 10 "a syslog socket" test -S /dev/log
	SSH_ORIGINAL_COMMAND="evil $(printf '\033')command" run_exit 3 imagerepo-gate kbh1
	wait $listener
	contains syslog "site kbh1: refused: a command with control"
	contains syslog "'evil ?command'"
fi
