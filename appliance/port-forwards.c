/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/port-forwards.h"

#include "appliance/instance.h"
#include "appliance/nat.h"
#include "appliance/settings.h"
#include "common/subproc.h"

#define META_KEY "nat-table"

enum { NFT_TIMEOUT_MS = 30000 };

static bool is_marked(const struct port_rule *rule)
{
	return !*rule->address;
}

static void add_chain(const char *name, const char *hook, const struct port_rule *rules,
		      size_t count, struct strbuf *out)
{
	strbuf_addf(out, "\tchain %s {\n\t\ttype nat hook %s;\n", name, hook);
	for (size_t i = 0; i < count; i++)
		if (!is_marked(&rules[i]))
			strbuf_addf(out,
				    "\t\tfib daddr type local %s dport %u dnat to %s:%u\n",
				    rules[i].port.udp ? "udp" : "tcp",
				    rules[i].port.host_port, rules[i].address,
				    rules[i].port.guest_port);
	strbuf_adds(out, "\t}\n");
}

/* The host's firewall knows the mark: docs/spec/host-config.md */
static void add_marks(const struct port_rule *rules, size_t count, struct strbuf *out)
{
	strbuf_adds(out, "\tchain marks {\n\t\ttype filter hook prerouting priority mangle;\n");
	for (size_t i = 0; i < count; i++)
		if (is_marked(&rules[i]))
			strbuf_addf(out,
				    "\t\tfib daddr type local %s dport %u meta mark set "
				    "meta mark and 0x%08x or 0x%08x\n",
				    rules[i].port.udp ? "udp" : "tcp",
				    rules[i].port.host_port, ~PORT_MARK_MASK, PORT_MARK);
	strbuf_adds(out, "\t}\n");
}

/* Declared, deleted and made again in one transaction: the table is there before or not.
 * Loopback addresses are left alone: a route to them from the bridge would open the
 * host's own loopback services to guests. */
void port_forwards_format(const char *table, const char *prefix,
			  const struct port_rule *rules, size_t count, bool any,
			  struct strbuf *out)
{
	strbuf_addf(out, "table ip %s {\n}\ndelete table ip %s\n", table, table);
	if (!any)
		return;
	strbuf_addf(out, "table ip %s {\n", table);
	add_chain("from-outside", "prerouting priority dstnat", rules, count, out);
	add_chain("from-here", "output priority -100", rules, count, out);
	for (size_t i = 0; i < count; i++)
		if (is_marked(&rules[i])) {
			add_marks(rules, count, out);
			break;
		}
	strbuf_addf(out,
		    "\tchain way-out {\n\t\ttype nat hook postrouting priority srcnat;\n"
		    "\t\tip saddr %s.0/24 ip daddr != %s.0/24 masquerade\n\t}\n}\n",
		    prefix, prefix);
}

/* What one that is up needs: of `nat` the way there, of `user` a mark for a firewall. */
static int add_ports(struct host *host, struct hypervisor *hv, const char *unit,
		     const struct appliance_conf *conf, struct port_rule **rules,
		     size_t *count, bool *any, struct err *err)
{
	char address[NAT_ADDRESS_SIZE] = "";
	bool is_nat = conf->network == NETWORK_NAT;
	if (!is_nat && !(host->lan && conf->network == NETWORK_USER && conf->port_count))
		return 0;
	if (is_nat && nat_address(host, hv, unit, address, err) < 0)
		return -1;
	*any = true;
	if (is_nat && !*address)
		return 0;
	*rules = xrealloc(*rules, (*count + conf->port_count + 1) * sizeof(**rules));
	for (size_t i = 0; i < conf->port_count; i++) {
		struct port_rule *rule = &(*rules)[(*count)++];
		rule->port = conf->ports[i];
		memcpy(rule->address, address, sizeof(address));
	}
	return 0;
}

/* Rules of one instance, if it is up. */
static int add_rules(struct host *host, struct hypervisor *hv, const char *name,
		     struct port_rule **rules, size_t *count, bool *any, struct err *err)
{
	_cleanup_(instance_freep) struct instance *inst = NULL;
	_cleanup_(settings_freep) struct settings *settings = NULL;
	_cleanup_free_ char *domain = NULL;
	_cleanup_err_ struct err broken = ERR_INIT;
	struct domain_facts facts;
	if (instance_load(host->state, name, &inst, err) < 0)
		return -1;
	const char *version, *unit = instance_serving_unit(inst, &version);
	domain = root_domain_name(&host->root, unit);
	if (domain_look(hv, domain, &facts, err) < 0)
		return -1;
	if (facts.state == DOMAIN_ABSENT || facts.state == DOMAIN_OFF ||
	    !version)
		return 0;
	/* Broken settings are that instance's own failure, recorded with it. */
	if (settings_load(host, inst, version, &settings, &broken) < 0)
		return 0;
	return add_ports(host, hv, unit, settings->conf, rules, count, any, err);
}

static int load_table(const char *text, struct err *err)
{
	const char *const argv[] = { "nft", "-f", "-", NULL };
	if (subproc_run(&(struct subproc){ .argv = argv,
					   .input = text,
					   .input_len = strlen(text),
					   .quiet = true,
					   .timeout_ms = NFT_TIMEOUT_MS },
			NULL, err) < 0)
		return err_prefix(err,
				  "ports of appliances (package nftables)");
	return 0;
}

int port_forwards_sync(struct host *host, struct hypervisor *hv, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ struct port_rule *rules = NULL;
	_cleanup_free_ char *before = NULL;
	size_t count = 0;
	bool any = false;
	if (state_get_meta(host->state, META_KEY, &before, err) < 0 ||
	    instance_names(host->state, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (add_rules(host, hv, names.items[i], &rules, &count, &any, err) < 0)
			return -1;
	bool had = before && str_eq(before, "yes");
	if (!any && !had)
		return 0;
	_cleanup_free_ char *table = root_is_host(&host->root)
					     ? xstrdup("waybill")
					     : xasprintf("waybill_%s", host->root.id);
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	port_forwards_format(table, nat_prefix(host), rules, count, any, &text);
	/* "yes" before there is a table, "no" after it has gone. */
	if (any && !had && state_set_meta(host->state, META_KEY, "yes", err) < 0)
		return -1;
	if (load_table(text.data, err) < 0)
		return -1;
	return any ? 0 : state_set_meta(host->state, META_KEY, "no", err);
}
