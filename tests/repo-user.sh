#!/bin/bash
# An operator's machine as README.md says: waybill-repo is installed with dpkg, its postinst
# makes the user imagerepo, who publishes, and a site enrols and syncs through Debian's own sshd
# with the snippet that the package ships. All in an overlay on this machine and in a network
# of its own, which leave nothing behind.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need_root
need dpkg-buildpackage git unshare ssh /usr/sbin/sshd adduser runuser
git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1 || skip "not a git checkout"
"$top_srcdir/tests/lib/build-debs" "$top_builddir/tests/debs"
make_deb "$T/debs" tool 1.0 >/dev/null
make_dpkg_root "$T/site"

# The root of the machine; $1 is what runs in it.
cat >enter <<MACHINE
set -eu
mkdir -p "$T/layers" "$T/machine"
mount -t tmpfs tmpfs "$T/layers"
mkdir "$T/layers/upper" "$T/layers/work"
mount -t overlay overlay -o lowerdir=/,upperdir="$T/layers/upper",workdir="$T/layers/work" "$T/machine"
for dir in /proc /sys /dev "$(realpath "$top_srcdir")" "$(realpath "$top_builddir")" "$T"; do
	mkdir -p "$T/machine\$dir"
	mount --rbind "\$dir" "$T/machine\$dir"
done
mount -t tmpfs tmpfs "$T/machine/run"
ip link set lo up
exec chroot "$T/machine" /bin/bash -eu "\$1"
MACHINE

# as the operator, as root, as the site
cat >operator <<OPERATOR
export PATH=/usr/bin:/bin
cd
imagerepo init --url http://127.0.0.1:8080 --server imagerepo@127.0.0.1:2222 \
	--host-key /etc/ssh/ssh_host_ed25519_key.pub
imagerepo add "$T"/debs/tool_1.0_*.deb
imagerepo site add kbh1
imagerepo site assign kbh1 tool
imagerepo site bundle kbh1 --enroll -o kbh1.tar
OPERATOR
cat >day <<DAY
export PATH=$(realpath "$top_builddir/pkgmgr"):/usr/sbin:/usr/bin:/sbin:/bin
cd "$T"
dpkg --force-depends -i "$(realpath "$top_builddir")"/tests/debs/waybill-repo_*.deb >dpkg.log
stat -c '%U %a' /srv/waybill /var/lib/imagerepo >owners
mkdir -p /run/sshd
ssh-keygen -A >/dev/null
/usr/sbin/sshd -p 2222 -o PidFile=/run/sshd.pid -E "$T/sshd.log"
runuser -l imagerepo -c "sh -e $T/operator" >operator.log 2>&1
runuser -l imagerepo -c "/usr/bin/imagerepo serve --port 8080" >web.log 2>&1 &
tar -x -C site --no-same-owner -f /var/lib/imagerepo/kbh1.tar
echo "Fetch-User: nobody" >>site/etc/waybill/pkgmgr.conf
pkgmgr --root "$T/site" enroll >enroll.log 2>&1 || echo "exit \$?" >>enroll.log
pkgmgr --root "$T/site" sync >sync.log 2>&1 || echo "exit \$?" >>sync.log
runuser -l imagerepo -c "/usr/bin/imagerepo site show kbh1 --json" >show.json
ssh -p 2222 -i site/etc/waybill/ssh/id_ed25519 -o StrictHostKeyChecking=no -o BatchMode=yes \
	-o UserKnownHostsFile=/dev/null imagerepo@127.0.0.1 id >shell.out 2>&1 || echo "exit \$?" >>shell.out
kill \$! \$(cat /run/sshd.pid)
DAY
chmod 755 "$T" operator
unshare --mount --net --pid --fork --kill-child bash -eu enter "$T/day" >machine.log 2>&1 ||
	{ tail -n 20 machine.log dpkg.log operator.log sshd.log >&2; fail "the operator's first day"; }

note "the package makes the owner of the repository"
equal "$(cat owners)" "imagerepo 755
imagerepo 700" "owners and modes of /srv/waybill and /var/lib/imagerepo"

note "a site enrols and syncs through sshd's configuration as it was shipped"
! grep "^exit" enroll.log sync.log >&2 || { cat enroll.log sync.log sshd.log >&2; fail "the site"; }
equal "$(root_status "$T/site" tool)" "install ok installed" "tool at the site"
equal "$(jq -r .report.result show.json)" "done" "what the operator sees"

note "its key opens nothing else"
contains shell.out "refused"
contains shell.out "exit 3"
