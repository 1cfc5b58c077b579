# Where systemd runs, waybill-pkgmgrd.service decides when to sync and to converge, and this
# does nothing.
SHELL=/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
30 2 * * * root [ -d /run/systemd/system ] || [ ! -e /etc/waybill/pkgmgr.conf ] || pkgmgr --quiet sync
@reboot    root [ -d /run/systemd/system ] || appliance --quiet converge --all --boot
# A new version is being watched and no pkgmgrd sees to it; the file says when it is due.
* * * * *  root [ -d /run/systemd/system ] || [ ! -e /var/lib/waybill/watch-due ] || [ "$(cat /var/lib/waybill/watch-due)" -gt "$(date +\%s)" ] || pkgmgrd status >/dev/null 2>&1 || appliance --quiet converge --all
# A machine with a token is no site yet. Whoever is started with many others asks at another moment.
*/15 * * * * root [ -d /run/systemd/system ] || [ ! -e /etc/waybill/enrolment ] || pkgmgrd status >/dev/null 2>&1 || { sleep "$(shuf -i 0-600 -n 1)"; pkgmgr --quiet enroll && pkgmgr --quiet sync; }
# Neighbours may take packages from here and no pkgmgrd sees to it; it ends by itself.
* * * * *  root [ -d /run/systemd/system ] || ! grep -qsi '^Serve-To:' /var/lib/waybill/schedule /etc/waybill/pkgmgr.conf || pkgmgrd status >/dev/null 2>&1 || flock -n /run/lock/waybill-serve pkgmgr --quiet serve --by-policy >/dev/null
