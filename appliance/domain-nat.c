/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libvirt's network `waybill`: bridge and DHCP. Its forward mode is `open`, since with
 * `nat` libvirt rejects what comes in from outside before our port forwards see it. */
#include "appliance/domain-conn.h"
#include "common/host-network.h"

/* *out is NULL if there is no such network. */
static int find_network(struct hypervisor *hv, virNetworkPtr *out, struct err *err)
{
	*out = virNetworkLookupByName(hv->conn, NAT_NETWORK);
	if (*out)
		return 0;
	virErrorPtr last = virGetLastError();
	if (last && last->code == VIR_ERR_NO_NETWORK)
		return 0;
	return virt_error(err, "look for network %s", NAT_NETWORK);
}

static int define_network(struct hypervisor *hv, const char *prefix, virNetworkPtr *out,
			  struct err *err)
{
	_cleanup_free_ char *xml =
		xasprintf("<network><name>" NAT_NETWORK "</name><forward mode='open'/>"
			  "<bridge name='" NAT_BRIDGE "' stp='off' delay='0'/>"
			  "<ip address='%s.1' netmask='255.255.255.0'><dhcp>"
			  "<range start='%s.100' end='%s.254'/></dhcp></ip></network>",
			  prefix, prefix, prefix);
	*out = virNetworkDefineXML(hv->conn, xml);
	return *out ? 0 : virt_error(err, "define network %s", NAT_NETWORK);
}

static int ensure_network(struct hypervisor *hv, const char *prefix, virNetworkPtr *out,
			  struct err *err)
{
	if (find_network(hv, out, err) < 0)
		return -1;
	if (!*out && define_network(hv, prefix, out, err) < 0)
		return -1;
	if (virNetworkIsActive(*out) == 1 || virNetworkCreate(*out) == 0)
		return 0;
	return virt_error(err, "start network %s (is dnsmasq-base installed?)",
			  NAT_NETWORK);
}

/* The address in <host mac='...' ip='...'/> of libvirt's XML, which is normal. */
static bool read_address(const char *xml, const char *mac, char address[NAT_ADDRESS_SIZE])
{
	_cleanup_free_ char *key = xasprintf("<host mac='%s' ip='", mac);
	const char *at = strstr(xml, key);
	address[0] = '\0';
	if (!at)
		return false;
	at += strlen(key);
	snprintf(address, NAT_ADDRESS_SIZE, "%.*s", (int)strcspn(at, "'"), at);
	return true;
}

/* The addresses that DHCP has given to others than `mac`, and that are not over yet. A guest
 * that has gone holds its own for an hour, even beyond the end of the network, and dnsmasq
 * gives it to nobody else. */
static void leased_to_others(virNetworkPtr net, const char *mac, struct strv *out)
{
	virNetworkDHCPLeasePtr *leases = NULL;
	int count = virNetworkGetDHCPLeases(net, NULL, &leases, 0);
	for (int i = 0; i < count; i++) {
		if (!str_same(leases[i]->mac, mac))
			strv_add(out, leases[i]->ipaddr);
		virNetworkDHCPLeaseFree(leases[i]);
	}
	free(leases);
}

static int pick_address(virNetworkPtr net, const char *xml, const char *prefix,
			const char *mac, char address[NAT_ADDRESS_SIZE], struct err *err)
{
	_cleanup_strv_ struct strv leased = STRV_INIT;
	leased_to_others(net, mac, &leased);
	for (int host = INSTANCE_FIRST_HOST; host <= INSTANCE_LAST_HOST; host++) {
		_cleanup_free_ char *candidate = xasprintf("%s.%d", prefix, host);
		_cleanup_free_ char *key = xasprintf(" ip='%s'", candidate);
		if (strstr(xml, key) || strv_contains(&leased, candidate))
			continue;
		snprintf(address, NAT_ADDRESS_SIZE, "%s", candidate);
		return 0;
	}
	return err_set(err, ERR_NO_SPACE, "network %s has no address left", NAT_NETWORK);
}

static int update_host(virNetworkPtr net, unsigned command, const char *mac,
		       const char *address, struct err *err)
{
	_cleanup_free_ char *xml = xasprintf("<host mac='%s' ip='%s'/>", mac, address);
	unsigned flags = VIR_NETWORK_UPDATE_AFFECT_CONFIG;
	if (virNetworkIsActive(net) == 1)
		flags |= VIR_NETWORK_UPDATE_AFFECT_LIVE;
	if (virNetworkUpdate(net, command, VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, xml,
			     flags) < 0)
		return virt_error(err, "change the leases of network %s", NAT_NETWORK);
	return 0;
}

int nat_network_join(struct hypervisor *hv, const char *prefix, const char *mac,
		     struct err *err)
{
	_cleanup_(virt_network_freep) virNetworkPtr net = NULL;
	char address[NAT_ADDRESS_SIZE];
	if (hv->is_test)
		return 0;
	if (ensure_network(hv, prefix, &net, err) < 0)
		return -1;
	_cleanup_free_ char *xml = virNetworkGetXMLDesc(net, 0);
	if (!xml)
		return virt_error(err, "read network %s", NAT_NETWORK);
	if (read_address(xml, mac, address))
		return 0;
	_cleanup_free_ char *own = xasprintf("<ip address='%s.1'", prefix);
	if (!strstr(xml, own))
		return err_set(
			err, ERR_INCONSISTENT,
			"network %s is not %s.0/24; stop its instances, then `virsh "
			"net-destroy %s` and `virsh net-undefine %s`",
			NAT_NETWORK, prefix, NAT_NETWORK, NAT_NETWORK);
	if (pick_address(net, xml, prefix, mac, address, err) < 0)
		return -1;
	return update_host(net, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, mac, address, err);
}

static int remove_network(virNetworkPtr net, struct err *err)
{
	if ((virNetworkIsActive(net) == 1 && virNetworkDestroy(net) < 0) ||
	    virNetworkUndefine(net) < 0)
		return virt_error(err, "remove network %s", NAT_NETWORK);
	return 0;
}

int nat_network_leave(struct hypervisor *hv, const char *mac, struct err *err)
{
	_cleanup_(virt_network_freep) virNetworkPtr net = NULL;
	char address[NAT_ADDRESS_SIZE];
	if (hv->is_test)
		return 0;
	if (find_network(hv, &net, err) < 0 || !net)
		return net || err->code ? -1 : 0;
	_cleanup_free_ char *xml = virNetworkGetXMLDesc(net, 0);
	if (!xml)
		return virt_error(err, "read network %s", NAT_NETWORK);
	if (!read_address(xml, mac, address))
		return 0;
	if (update_host(net, VIR_NETWORK_UPDATE_COMMAND_DELETE, mac, address, err) < 0)
		return -1;
	_cleanup_free_ char *after = virNetworkGetXMLDesc(net, 0);
	return after && !strstr(after, "<host mac='") ? remove_network(net, err) : 0;
}

int nat_network_address(struct hypervisor *hv, const char *mac,
			char address[NAT_ADDRESS_SIZE], struct err *err)
{
	_cleanup_(virt_network_freep) virNetworkPtr net = NULL;
	address[0] = '\0';
	if (hv->is_test)
		return 0;
	if (find_network(hv, &net, err) < 0)
		return -1;
	_cleanup_free_ char *xml = net ? virNetworkGetXMLDesc(net, 0) : NULL;
	if (xml)
		(void)read_address(xml, mac, address);
	return 0;
}
