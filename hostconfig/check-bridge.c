/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is for the machines behind: hypervisor, bridge, DHCP, firewall. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/deb822.h"
#include "common/subproc.h"
#include "hostconfig/check.h"
#include "hostconfig/firewall.h"

enum { VIRSH_TIMEOUT_MS = 15000, DNS_TIMEOUT_MS = 3000, MAX_BYTES = 65536 };

/* As appliance(1) finds it. */
static char *libvirt_uri(const struct root *root)
{
	_cleanup_free_ char *path = root_path(root, "etc/waybill/appliance.conf");
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_err_ struct err err = ERR_INIT;
	const char *uri = getenv("WAYBILL_LIBVIRT_URI");
	if (uri && *uri)
		return xstrdup(uri);
	if (deb822_read_file(path, MAX_BYTES, 1, &doc, &err) == 0 && doc->count > 0)
		uri = deb822_get(&doc->stanzas[0], "Libvirt-URI");
	return xstrdup(uri && *uri ? uri : "qemu:///system");
}

void check_libvirt(struct check_context *c)
{
	_cleanup_free_ char *uri = libvirt_uri(&c->root);
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	const char *const argv[] = { "virsh", "-q", "-c", uri, "uri", NULL };
	if (subproc_run(&(struct subproc){ .argv = argv,
					   .output = &out,
					   .quiet = true,
					   .timeout_ms = VIRSH_TIMEOUT_MS },
			NULL, &err) == 0) {
		findings_add(&c->findings, RESULT_OK, "libvirt answers at %s", uri);
		return;
	}
	findings_add(&c->findings, RESULT_PROBLEM, "libvirt does not answer at %s: %s", uri,
		     err.msg);
	findings_advise(&c->findings, "systemctl status libvirtd; journalctl -u libvirtd");
}

/* Its IPv4 address, if it is up and has the right one. */
static bool has_address(const char *interface, const char *address)
{
	struct ifaddrs *all = NULL;
	struct in_addr wanted;
	bool found = false;
	if (inet_pton(AF_INET, address, &wanted) != 1 || getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET &&
		    str_eq(a->ifa_name, interface) && (a->ifa_flags & IFF_UP) &&
		    ((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr.s_addr ==
			    wanted.s_addr)
			found = true;
	freeifaddrs(all);
	return found;
}

static void check_cards(struct check_context *c)
{
	for (size_t i = 0; i < c->params->lan_interfaces.count; i++) {
		const char *name = c->params->lan_interfaces.items[i];
		_cleanup_free_ char *port = xasprintf("/sys/class/net/" HOST_BRIDGE "/brif/%s", name);
		if (if_nametoindex(name) == 0) {
			findings_add(&c->findings, RESULT_PROBLEM,
				     "there is no network card %s, which is to be the LAN of thin "
				     "clients", name);
			findings_advise(&c->findings, "`ip -br link` shows the cards; name one of "
						      "them in Lan-Interface of /" HOSTCONFIG_CONF);
		} else if (access(port, F_OK) < 0) {
			findings_add(&c->findings, RESULT_PROBLEM,
				     "the network card %s is not in the bridge " HOST_BRIDGE, name);
			findings_advise(&c->findings, "run `waybill-hostconfig up` and read what "
						      "it says");
		}
	}
}

void check_bridge(struct check_context *c)
{
	struct findings *f = &c->findings;
	if (!c->params) {
		findings_add(f, RESULT_PROBLEM, "%s", c->params_error.msg);
		findings_advise(f, "mend that file, then run `waybill-hostconfig up`");
		return;
	}
	if (if_nametoindex(HOST_BRIDGE) == 0)
		findings_add(f, RESULT_PROBLEM, "there is no bridge " HOST_BRIDGE);
	else if (!has_address(HOST_BRIDGE, c->params->address))
		findings_add(f, RESULT_PROBLEM, "the bridge " HOST_BRIDGE " is down, or has not "
						"the address %s", c->params->address);
	if (findings_problem(f, "bridge")) {
		findings_advise(f, "run `waybill-hostconfig up` and read what it says");
		return;
	}
	check_cards(c);
	if (!findings_problem(f, "bridge"))
		findings_add(f, RESULT_OK, HOST_BRIDGE " has %s", c->params->address);
}

/* Ask the name server on the bridge something that it knows without asking anybody. */
static bool dns_answers(const char *address)
{
	/* A query of id 1 for version.bind, class CHAOS, type TXT: RFC 1035, 4.1 */
	static const char query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\20\0\3";
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char answer[512];
	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    send(fd, query, sizeof(query) - 1, 0) < 0)
		return false;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	return poll(&ready, 1, DNS_TIMEOUT_MS) == 1 &&
	       recv(fd, answer, sizeof(answer), 0) >= 12;
}

void check_dhcp(struct check_context *c)
{
	struct findings *f = &c->findings;
	if (!c->params || findings_problem(f, "bridge"))
		findings_add(f, RESULT_SKIPPED, "the bridge must be mended first");
	else if (dns_answers(c->params->address))
		findings_add(f, RESULT_OK, "dnsmasq answers on " HOST_BRIDGE);
	else {
		findings_add(f, RESULT_PROBLEM,
			     "dnsmasq does not answer on " HOST_BRIDGE ": machines behind this host "
			     "get no address and no names");
		findings_advise(f, "systemctl status waybill-dnsmasq; "
				   "dnsmasq --test --conf-file=/run/waybill/dnsmasq.conf");
	}
}

void check_firewall(struct check_context *c)
{
	struct findings *f = &c->findings;
	_cleanup_err_ struct err err = ERR_INIT;
	enum firewall_state state;
	if (firewall_look(&state, &err) < 0) {
		bool not_root = err.code == ERR_REFUSED;
		findings_add(f, not_root ? RESULT_SKIPPED : RESULT_PROBLEM, "%s", err.msg);
	} else if (state == FIREWALL_LOADED)
		findings_add(f, RESULT_OK, "loaded");
	else {
		findings_add(f, RESULT_PROBLEM,
			     state == FIREWALL_NONE
				     ? "no firewall is loaded: this host is open to everybody"
				     : "the rules could not be loaded, so nothing passes but answers");
		findings_advise(f, "run `waybill-hostconfig up` and read what it says about "
				   "/etc/waybill/nftables.conf");
	}
}
