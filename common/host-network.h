/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What hostconfig tells appliance: that the host's bridge is up. The one reader and writer
 * of /run/waybill/host-network. Format: docs/spec/host-config.md */
#ifndef WAYBILL_HOST_NETWORK_H
#define WAYBILL_HOST_NETWORK_H

#include "common/err.h"
#include "common/root.h"
#include "common/strv.h"
#include "common/util.h"

#define HOST_NETWORK_FILE "run/waybill/host-network"
#define HOST_BRIDGE "wb0"
#define DHCP_HOSTS_DIR "var/lib/waybill/dhcp-hosts"
#define IPV4_SIZE 16	/* "192.168.147.255" and its NUL */

/* The last byte of addresses that instances keep: of the bridge, and of libvirt's network
 * where there is no bridge. */
enum { INSTANCE_FIRST_HOST = 10, INSTANCE_LAST_HOST = 99 };

/* What comes for a port of an appliance with `Network: user` is marked so in appliance's
 * table; the host's firewall lets it pass. */
#define PORT_MARK 0x57000000u
#define PORT_MARK_MASK 0xff000000u

struct host_network {
	char prefix[IPV4_SIZE];	/* "192.168.147", of its /24 */
	struct strv lan_interfaces; /* that were put into the bridge */
};

/* *out is NULL if there is no such file: no bridge. Errors: ERR_INPUT. */
int host_network_read(const struct root *root, struct host_network **out,
		      struct err *err) _must_check_;
int host_network_write(const struct root *root, const struct host_network *network,
		       struct err *err) _must_check_;
void host_network_free(struct host_network *network);
DEFINE_FREEP(struct host_network, host_network_free)

#endif
