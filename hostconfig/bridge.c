/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hostconfig/bridge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/subproc.h"
#include "hostconfig/host.h"

enum { MAX_ROUTE_BYTES = 1 << 20 };

#define BRIDGE_NF "/proc/sys/net/bridge"

/* A NULL-terminated argument list. */
static int run(const char *const *argv, struct err *err)
{
	return subproc_run(&(struct subproc){ .argv = argv,
					      .quiet = true,
					      .timeout_ms = HOST_PROGRAM_TIMEOUT_MS },
			   NULL, err);
}

#define RUN(err, ...) run((const char *const[]){ __VA_ARGS__, NULL }, err)

static int write_sysctl(const char *path, const char *value, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (write(fd, value, strlen(value)) < 0)
		return err_sys(err, "write %s", path);
	return 0;
}

/* A bridge without one of its own changes its address with its ports, and neighbours lose
 * it. Locally administered; the same at each boot. */
static void bridge_mac(const struct root *root, char mac[18])
{
	_cleanup_free_ char *path = root_path(root, "etc/machine-id");
	_cleanup_free_ char *id = NULL;
	_cleanup_err_ struct err err = ERR_INIT;
	size_t len = 0;
	char hex[SHA256_HEX_LEN + 1];
	if (file_read(path, 4096, &id, &len, &err) < 0)
		log_debug("%s", err.msg);
	_cleanup_free_ char *seed = xasprintf("%s %s " HOST_BRIDGE, root->dir, id ? id : "");
	sha256_hex(seed, strlen(seed), hex);
	snprintf(mac, 18, "02:%.2s:%.2s:%.2s:%.2s:%.2s", hex, hex + 2, hex + 4, hex + 6,
		 hex + 8);
}

/* The module's own default makes every bridge of the host go through the firewall. */
static int load_br_netfilter(struct err *err)
{
	if (file_exists(BRIDGE_NF))
		return 0;
	if (RUN(err, "modprobe", "br_netfilter") < 0 ||
	    write_sysctl(BRIDGE_NF "/bridge-nf-call-iptables", "0", err) < 0 ||
	    write_sysctl(BRIDGE_NF "/bridge-nf-call-ip6tables", "0", err) < 0)
		return err_prefix(err, "the firewall does not see what passes between "
				       "two ports of " HOST_BRIDGE);
	return 0;
}

int bridge_make(const struct root *root, struct err *err)
{
	char mac[18];
	bridge_mac(root, mac);
	if (if_nametoindex(HOST_BRIDGE) == 0 &&
	    RUN(err, "ip", "link", "add", "name", HOST_BRIDGE, "address", mac, "type", "bridge",
		"stp_state", "0", "forward_delay", "0") < 0)
		return err_prefix(err, "make the bridge");
	if (load_br_netfilter(err) < 0)
		return -1;
	return RUN(err, "ip", "link", "set", HOST_BRIDGE, "type", "bridge", "nf_call_iptables",
		   "1", "nf_call_ip6tables", "1");
}

static int drop_address(const struct ifaddrs *a, struct err *err)
{
	char text[INET_ADDRSTRLEN];
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)a->ifa_addr;
	inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
	_cleanup_free_ char *address = xasprintf("%s/24", text);
	return RUN(err, "ip", "address", "del", address, "dev", HOST_BRIDGE);
}

/* Addresses that the parameters named before. */
static int drop_other_addresses(const char *keep, struct err *err)
{
	struct ifaddrs *all = NULL;
	struct in_addr wanted;
	if (inet_pton(AF_INET, keep, &wanted) != 1 || getifaddrs(&all) < 0)
		return err_sys(err, "list the addresses of " HOST_BRIDGE);
	int result = 0;
	for (const struct ifaddrs *a = all; result == 0 && a; a = a->ifa_next) {
		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET ||
		    !str_eq(a->ifa_name, HOST_BRIDGE))
			continue;
		const struct sockaddr_in *in =
			(const struct sockaddr_in *)(const void *)a->ifa_addr;
		if (in->sin_addr.s_addr != wanted.s_addr)
			result = drop_address(a, err);
	}
	freeifaddrs(all);
	return result;
}

int bridge_address(const struct params *params, struct err *err)
{
	_cleanup_free_ char *address = xasprintf("%s/24", params->address);
	_cleanup_free_ char *broadcast = xasprintf("%s.255", params->prefix);
	const char *ipv6 = "/proc/sys/net/ipv6/conf/" HOST_BRIDGE "/disable_ipv6";
	/* Nothing here hands out IPv6, so nothing is to answer it. */
	if (file_exists(ipv6) && write_sysctl(ipv6, "1", err) < 0)
		return -1;
	if (RUN(err, "ip", "address", "replace", address, "broadcast", broadcast, "dev",
		HOST_BRIDGE) < 0 ||
	    drop_other_addresses(params->address, err) < 0 ||
	    RUN(err, "ip", "link", "set", HOST_BRIDGE, "up") < 0)
		return -1;
	return write_sysctl("/proc/sys/net/ipv4/ip_forward", "1", err);
}

/* Does the host's default route leave by it? Source: proc_net_route, all zero is default. */
static int is_way_out(const char *name, bool *yes, struct err *err)
{
	_cleanup_fclose_ FILE *routes = fopen("/proc/net/route", "re");
	char line[256], device[IFNAMSIZ];
	unsigned long destination, gateway, mask;
	*yes = false;
	if (!routes)
		return err_sys(err, "open /proc/net/route");
	while (fgets(line, sizeof(line), routes))
		if (sscanf(line, "%15s %lx %lx %*x %*d %*d %*d %lx", device, &destination,
			   &gateway, &mask) == 4 &&
		    destination == 0 && mask == 0 && str_eq(device, name))
			*yes = true;
	return 0;
}

int bridge_add_card(const char *name, struct err *err)
{
	bool way_out = false;
	if (if_nametoindex(name) == 0)
		return err_set(err, ERR_NOT_FOUND,
			       "Lan-Interface: this host has no network card %s; `ip -br link` "
			       "shows those it has", name);
	if (is_way_out(name, &way_out, err) < 0)
		return -1;
	if (way_out)
		return err_set(err, ERR_REFUSED,
			       "Lan-Interface: %s is this host's own way out; the LAN of thin "
			       "clients needs a card of its own", name);
	if (RUN(err, "ip", "link", "set", name, "master", HOST_BRIDGE) < 0)
		return -1;
	return RUN(err, "ip", "link", "set", name, "up");
}

int bridge_drop_card(const char *name, struct err *err)
{
	return if_nametoindex(name) ? RUN(err, "ip", "link", "set", name, "nomaster") : 0;
}

int bridge_remove(struct err *err)
{
	return if_nametoindex(HOST_BRIDGE) ? RUN(err, "ip", "link", "del", HOST_BRIDGE) : 0;
}
