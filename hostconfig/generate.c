/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hostconfig/generate.h"

#include "common/network-list.h"

static void add_elements(const char *set, const struct strv *networks, bool ipv6,
			 struct strbuf *out)
{
	for (size_t i = 0; i < networks->count; i++)
		if (network_is_ipv6(networks->items[i]) == ipv6)
			strbuf_addf(out, "add element inet waybill_host %s { %s }\n", set,
				    networks->items[i]);
}

void generate_nft(const struct params *params, const char *rules, const struct policy *policy,
		  struct strbuf *out)
{
	strbuf_addf(out,
		    "# Made by waybill-hostconfig from /" HOSTCONFIG_CONF ".\n"
		    "define lan_network = %s.0/24\n"
		    "include \"%s\"\n",
		    params->prefix, rules);
	add_elements("ssh_from", &policy->ssh_from, false, out);
	add_elements("ssh_from6", &policy->ssh_from, true, out);
	add_elements("serve_to", &policy->serve_to, false, out);
	if (params->help_interface)
		strbuf_addf(out,
			    "add element inet waybill_host help_interfaces { \"%s\" }\n",
			    params->help_interface);
}

const char closed_table[] =
	"table inet waybill_host\n"
	"delete table inet waybill_host\n"
	"table inet waybill_host {\n"
	"	chain closed {\n"
	"		type filter hook input priority filter; policy drop;\n"
	"		ct state established,related accept\n"
	"		iifname \"lo\" accept\n"
	"		udp sport 67 udp dport 68 accept\n"
	"		udp sport 547 udp dport 546 accept\n"
	"		icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept\n"
	"	}\n"
	"	chain closed_forward {\n"
	"		type filter hook forward priority filter; policy drop;\n"
	"	}\n"
	"}\n";

static void add_resolvers(const struct params *params, struct strbuf *out)
{
	if (params->dns.count)
		strbuf_adds(out, "no-resolv\n");
	for (size_t i = 0; i < params->dns.count; i++)
		strbuf_addf(out, "server=%s\n", params->dns.items[i]);
}

/* Client architectures of RFC 4578: 7 and 9 are UEFI on x86-64. */
static void add_boot(const struct params *params, const char *address, struct strbuf *out)
{
	strbuf_addf(out,
		    "dhcp-match=set:efi,option:client-arch,7\n"
		    "dhcp-match=set:efi,option:client-arch,9\n"
		    "dhcp-boot=tag:efi,%s,,%s\n"
		    "dhcp-boot=tag:!efi,%s,,%s\n",
		    params->boot_file_efi, address, params->boot_file, address);
}

/* The instances' names are in dhcp-hosts, so the host's own /etc/hosts stays out of it. */
void generate_dnsmasq(const struct params *params, const struct root *root,
		      const char *boot_address, struct strbuf *out)
{
	_cleanup_free_ char *hosts = root_path(root, DHCP_HOSTS_DIR);
	_cleanup_free_ char *leases = root_path(root, "var/lib/waybill/dhcp-leases");
	_cleanup_free_ char *pid = root_path(root, "run/waybill/dnsmasq.pid");
	_cleanup_free_ char *more = root_path(root, "etc/waybill/dnsmasq.conf");
	strbuf_adds(out, "# Made by waybill-hostconfig from /" HOSTCONFIG_CONF ".\n");
	strbuf_addf(out,
		    "interface=" HOST_BRIDGE "\nexcept-interface=lo\nbind-dynamic\nno-hosts\n"
		    "dhcp-range=%s,%s,255.255.255.0,12h\ndhcp-authoritative\n",
		    params->dhcp_first, params->dhcp_last);
	strbuf_addf(out, "dhcp-hostsdir=%s\ndhcp-leasefile=%s\npid-file=%s\n", hosts, leases,
		    pid);
	add_resolvers(params, out);
	if (boot_address)
		add_boot(params, boot_address, out);
	strbuf_addf(out, "conf-file=%s\n", more);
}
