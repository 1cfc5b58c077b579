/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/target-files.h"

#include "common/strbuf.h"
#include "preseed/installer.h"
#include "preseed/mirrors.h"

#define COMPONENTS "main non-free-firmware"

static void add(struct seed_archive *seed, const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("waybill/target/%s", name);
	seed_archive_add(seed, path, text, strlen(text), 0644);
}

static void add_names(struct seed_archive *seed, const struct site_conf *conf, const char *site)
{
	const char *domain = conf->domain ? conf->domain : "";
	_cleanup_free_ char *hostname = xasprintf("%s\n", site);
	_cleanup_free_ char *hosts =
		xasprintf("127.0.0.1\tlocalhost\n127.0.1.1\t%s%s%s%s%s\n", *domain ? site : "",
			  *domain ? "." : "", domain, *domain ? " " : "", site);
	add(seed, "hostname", hostname);
	add(seed, "hosts", hosts);
}

/* As netcfg writes it, but for the card, which nobody has seen yet. With DHCP each wired one is
 * tried; a fixed address belongs to the first. A tagged one is made by ifupdown when the card is
 * there. Source: interfaces(5), "Pattern matching interfaces", "VLAN interfaces". */
static void add_interfaces(struct seed_archive *seed, const struct site_conf *conf)
{
	bool fixed = conf->network == NETWORK_STATIC;
	bool any = str_eq(conf->interface, "auto");
	_cleanup_free_ char *uplink = site_conf_uplink(conf);
	const char *name = any ? "wired" : uplink;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	strbuf_adds(&text, "# interfaces(5); the stick that installed this machine wrote it.\n"
			   "source /etc/network/interfaces.d/*\n\n"
			   "auto lo\niface lo inet loopback\n\n");
	if (any)
		strbuf_adds(&text, fixed ? "auto /e*/1=wired\n" : "auto /e*=wired\n");
	else
		strbuf_addf(&text, "%s %s\n", conf->vlan ? "auto" : "allow-hotplug", name);
	strbuf_addf(&text, "iface %s inet %s\n", name, fixed ? "static" : "dhcp");
	if (fixed)
		strbuf_addf(&text, "\taddress %s\n\tnetmask %s\n\tgateway %s\n", conf->address,
			    conf->netmask, conf->gateway);
	add(seed, "interfaces", text.data);
	/* "auto" is for the cards that are there at that moment. */
	if (any || conf->vlan)
		add(seed, "networking.conf", "[Unit]\n"
					     "Wants=systemd-udev-settle.service\n"
					     "After=systemd-udev-settle.service\n");
}

static void add_resolv_conf(struct seed_archive *seed, const struct site_conf *conf)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	if (conf->network != NETWORK_STATIC)
		return;
	if (conf->domain)
		strbuf_addf(&text, "search %s\n", conf->domain);
	for (size_t i = 0; i < conf->dns.count; i++)
		strbuf_addf(&text, "nameserver %s\n", conf->dns.items[i]);
	add(seed, "resolv.conf", text.data);
}

static void add_sources(struct seed_archive *seed, const struct site_conf *conf)
{
	_cleanup_free_ char *sources = xasprintf(
		"deb %s " INSTALLER_SUITE " " COMPONENTS "\n"
		"deb %s " INSTALLER_SUITE "-updates " COMPONENTS "\n"
		"deb %s " INSTALLER_SUITE "-security " COMPONENTS "\n",
		conf->mirror, conf->mirror, conf->security_mirror);
	add(seed, "sources.list", sources);
	if (!*conf->proxy)
		return;
	struct mirror_url mirror;
	mirror_url_split(conf->mirror, &mirror);
	_cleanup_free_ char *proxy =
		xasprintf("Acquire::%s::Proxy \"%s\";\n", mirror.protocol, conf->proxy);
	mirror_url_destroy(&mirror);
	add(seed, "apt.conf", proxy);
}

void target_files_add(struct seed_archive *seed, const struct site_conf *conf, const char *site)
{
	add_names(seed, conf, site);
	add_interfaces(seed, conf);
	add_resolv_conf(seed, conf);
	add_sources(seed, conf);
}
