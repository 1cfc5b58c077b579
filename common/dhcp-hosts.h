/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses that instances keep on the host's bridge: one file for each MAC, which dnsmasq
 * reads as well (dhcp-hostsdir). Format: docs/spec/host-config.md */
#ifndef WAYBILL_DHCP_HOSTS_H
#define WAYBILL_DHCP_HOSTS_H

#include "common/err.h"
#include "common/host-network.h"
#include "common/root.h"

/* Keep an address in <prefix>.0/24 for `mac`: the same one as before if it had one there.
 * `name` is what neighbours call it, if it is a DNS label. The caller holds the lock of this
 * root's instances. Errors: ERR_NO_SPACE (no address is free), ERR_SYSTEM. */
int dhcp_hosts_join(const struct root *root, const char *prefix, const char *mac,
		    const char *name, struct err *err) _must_check_;

/* Give it back; none is success. */
int dhcp_hosts_leave(const struct root *root, const char *mac, struct err *err) _must_check_;

/* The address of this MAC, or of this name; empty if there is none. */
int dhcp_hosts_address(const struct root *root, const char *mac, char address[IPV4_SIZE],
		       struct err *err) _must_check_;
int dhcp_hosts_by_name(const struct root *root, const char *name, char address[IPV4_SIZE],
		       struct err *err) _must_check_;

#endif
