/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making this host what the parameters say, and undoing it. */
#ifndef HOSTCONFIG_HOST_H
#define HOSTCONFIG_HOST_H

#include "common/root.h"
#include "hostconfig/params.h"

#define NFT_RULES "etc/waybill/nftables.conf"
#define NFT_MADE "run/waybill/hostconfig.nft"
#define DNSMASQ_MADE "run/waybill/dnsmasq.conf"

/* For ip, nft and dnsmasq: at boot, on a slow machine, nft and its modules took over 30 s. */
enum { HOST_PROGRAM_TIMEOUT_MS = 180 * 1000 };

/* Bridge, firewall, addresses, dnsmasq.conf, host-network. May be repeated; goes on behind
 * what fails, and then fails with all of it. Errors: ERR_USAGE (parameters), ERR_PROGRAM,
 * ERR_SYSTEM, ERR_REFUSED (a card that is not for the bridge). */
int host_up(const struct root *root, struct err *err) _must_check_;

/* Take bridge, table and files in /run away; what is not there is no error. */
int host_down(const struct root *root, struct err *err) _must_check_;

#endif
