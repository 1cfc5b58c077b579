# Where systemd runs, waybill-hostconfig.path follows the site's list, and this does nothing.
SHELL=/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
* * * * *  root [ -d /run/systemd/system ] || [ ! -e /run/waybill/host-network ] || { [ ! /var/lib/waybill/site.list -nt /run/waybill/hostconfig.nft ] && [ ! /etc/waybill/pkgmgr.conf -nt /run/waybill/hostconfig.nft ]; } || waybill-hostconfig --quiet up
