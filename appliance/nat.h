/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `Network: nat`: the host's bridge where there is one, else a network of libvirt's.
 * Source: docs/spec/host-config.md */
#ifndef WAYBILL_NAT_H
#define WAYBILL_NAT_H

#include "appliance/domain.h"
#include "appliance/host.h"

/* Keep an address for the domain of this unit, which is about to start. On the bridge, what
 * it had of libvirt's network is given back. Errors: as nat_network_join() and
 * dhcp_hosts_join(). */
int nat_join(const struct host *host, struct hypervisor *hv, const char *unit,
	     struct err *err) _must_check_;

/* Give it back, of both kinds; none is success. */
int nat_leave(const struct host *host, struct hypervisor *hv, const char *unit,
	      struct err *err) _must_check_;

/* The address that it keeps; empty if there is none. */
int nat_address(const struct host *host, struct hypervisor *hv, const char *unit,
		char address[NAT_ADDRESS_SIZE], struct err *err) _must_check_;

/* The first three bytes of the /24 that instances start in. */
const char *nat_prefix(const struct host *host);

#endif
