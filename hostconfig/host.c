/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hostconfig/host.h"

#include "common/atomic-file.h"
#include "common/dhcp-hosts.h"
#include "common/log.h"
#include "common/subproc.h"
#include "hostconfig/bridge.h"
#include "hostconfig/firewall.h"
#include "hostconfig/generate.h"
#include "hostconfig/policy.h"

/* Go on behind a failure: `up` fails with the first, and the others are said at once. */
static void also(int result, struct err *step, struct err *err)
{
	if (result < 0 && err->code == ERR_NONE)
		err_set(err, step->code, "%s", step->msg);
	else if (result < 0)
		log_error("%s", step->msg);
	err_clear(step);
}

/* Cards that were ours and are named no more go; those that are named come. */
static void set_cards(const struct params *params, const struct host_network *before,
		      struct err *err)
{
	struct err step = ERR_INIT;
	for (size_t i = 0; before && i < before->lan_interfaces.count; i++) {
		const char *name = before->lan_interfaces.items[i];
		if (!strv_contains(&params->lan_interfaces, name))
			also(bridge_drop_card(name, &step), &step, err);
	}
	for (size_t i = 0; i < params->lan_interfaces.count; i++)
		also(bridge_add_card(params->lan_interfaces.items[i], &step), &step, err);
}

/* An instance that was not started yet has no address; `up` comes again when it has. */
static int boot_address(const struct root *root, const struct params *params,
			char address[IPV4_SIZE], struct err *err)
{
	address[0] = '\0';
	if (!params->boot_server)
		return 0;
	if (params->boot_server[strspn(params->boot_server, "0123456789.")] == '\0') {
		snprintf(address, IPV4_SIZE, "%s", params->boot_server);
		return 0;
	}
	if (dhcp_hosts_by_name(root, params->boot_server, address, err) < 0)
		return -1;
	if (!*address)
		log_info("Boot-Server: %s has no address yet; thin clients cannot boot from it",
			 params->boot_server);
	return 0;
}

static int make_dnsmasq(const struct root *root, const struct params *params, struct err *err)
{
	_cleanup_free_ char *path = root_path(root, DNSMASQ_MADE);
	_cleanup_free_ char *hosts = root_path(root, DHCP_HOSTS_DIR);
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char address[IPV4_SIZE];
	if (make_dirs(hosts, 0755, err) < 0 || boot_address(root, params, address, err) < 0)
		return -1;
	generate_dnsmasq(params, root, *address ? address : NULL, &text);
	if (atomic_file_write(path, text.data, text.len, 0644, err) < 0)
		return -1;
	_cleanup_free_ char *conf = xasprintf("--conf-file=%s", path);
	const char *const argv[] = { "dnsmasq", "--test", conf, NULL };
	if (subproc_run(&(struct subproc){ .argv = argv,
					   .quiet = true,
					   .timeout_ms = HOST_PROGRAM_TIMEOUT_MS },
			NULL, err) < 0)
		return err_prefix(err, "dnsmasq does not take its configuration");
	return 0;
}

static int write_host_network(const struct root *root, const struct params *params,
			      struct err *err)
{
	struct host_network now = { .lan_interfaces = params->lan_interfaces };
	snprintf(now.prefix, sizeof(now.prefix), "%s", params->prefix);
	return host_network_write(root, &now, err);
}

/* The firewall comes before the first address, whatever else fails. */
static int bring_up(const struct root *root, const struct params *params, struct err *err)
{
	struct err step = ERR_INIT;
	_cleanup_(host_network_freep) struct host_network *before = NULL;
	_cleanup_policy_ struct policy policy = { 0 };
	also(host_network_read(root, &before, &step), &step, err);
	also(policy_read(root, params, &policy, &step), &step, err);
	also(firewall_load(root, params, &policy, &step), &step, err);
	also(bridge_make(root, &step), &step, err);
	also(bridge_address(params, &step), &step, err);
	set_cards(params, before, err);
	also(make_dnsmasq(root, params, &step), &step, err);
	also(write_host_network(root, params, &step), &step, err);
	return err->code == ERR_NONE ? 0 : -1;
}

int host_up(const struct root *root, struct err *err)
{
	_cleanup_free_ char *run = root_path(root, "run/waybill");
	_cleanup_(params_freep) struct params *params = NULL;
	if (make_dirs(run, 0755, err) < 0)
		return -1;
	if (params_read(root, &params, err) == 0)
		return bring_up(root, params, err);
	struct err step = ERR_INIT;
	also(firewall_ensure(&step), &step, err);
	return -1;
}

int host_down(const struct root *root, struct err *err)
{
	static const char *const made[] = { HOST_NETWORK_FILE, NFT_MADE, DNSMASQ_MADE };
	struct err step = ERR_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		_cleanup_free_ char *path = root_path(root, "%s", made[i]);
		also(atomic_unlink(path, &step), &step, err);
	}
	also(bridge_remove(&step), &step, err);
	also(firewall_remove(&step), &step, err);
	return err->code == ERR_NONE ? 0 : -1;
}
