/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nftables table of a root: what its instances on `Network: nat` may be reached by, and
 * their way out; where the host has a firewall, the ports of `Network: user`, too. Written whole,
 * in one transaction, after each converge. */
#ifndef WAYBILL_PORT_FORWARDS_H
#define WAYBILL_PORT_FORWARDS_H

#include "appliance/domain.h"
#include "appliance/host.h"
#include "common/strbuf.h"

struct port_rule {
	struct port_forward port;
	char address[NAT_ADDRESS_SIZE]; /* empty: QEMU's own port, of `Network: user` */
};

/* The input for `nft -f -` that replaces `table`. count 0 and !any: the table goes. */
void port_forwards_format(const char *table, const char *prefix, const struct port_rule *rules,
			  size_t count, bool any, struct strbuf *out);

/* Make the table what the instances of this root that are up need. Runs nft only if one
 * of them needs it, or did. Errors: ERR_NOT_FOUND (no nft), ERR_PROGRAM. */
int port_forwards_sync(struct host *host, struct hypervisor *hv, struct err *err) _must_check_;

#endif
