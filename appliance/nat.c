/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/nat.h"

#include "common/dhcp-hosts.h"

const char *nat_prefix(const struct host *host)
{
	return host->lan ? host->lan->prefix : host->nat_prefix;
}

int nat_join(const struct host *host, struct hypervisor *hv, const char *unit,
	     struct err *err)
{
	char mac[DOMAIN_MAC_SIZE];
	domain_mac(host->root.dir, unit, mac);
	if (!host->lan)
		return nat_network_join(hv, host->nat_prefix, mac, err);
	if (dhcp_hosts_join(&host->root, host->lan->prefix, mac, unit, err) < 0)
		return -1;
	return nat_network_leave(hv, mac, err);
}

int nat_leave(const struct host *host, struct hypervisor *hv, const char *unit,
	      struct err *err)
{
	char mac[DOMAIN_MAC_SIZE];
	domain_mac(host->root.dir, unit, mac);
	if (dhcp_hosts_leave(&host->root, mac, err) < 0)
		return -1;
	return nat_network_leave(hv, mac, err);
}

/* One that was started before there was a bridge still has libvirt's. */
int nat_address(const struct host *host, struct hypervisor *hv, const char *unit,
		char address[NAT_ADDRESS_SIZE], struct err *err)
{
	char mac[DOMAIN_MAC_SIZE];
	domain_mac(host->root.dir, unit, mac);
	*address = '\0';
	if (host->lan && dhcp_hosts_address(&host->root, mac, address, err) < 0)
		return -1;
	return *address ? 0 : nat_network_address(hv, mac, address, err);
}
