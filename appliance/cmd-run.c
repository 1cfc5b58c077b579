/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance run APPLIANCE=VERSION --as NAME: a kept version beside the installed one, with
 * disks and an address of its own. Upgrades of the package do not touch it. */
#include "appliance/base-store.h"
#include "appliance/cmd.h"
#include "appliance/converge.h"
#include "appliance/instance.h"
#include "appliance/settings.h"
#include "common/atomic-file.h"

enum { OPT_AS = 1, OPT_PORT };

const struct cli_opt cmd_run_opts[] = {
	{ OPT_AS, "as", 0, "NAME", "what this instance is called" },
	{ OPT_PORT, "port", 'p', "HOST:GUEST[/udp]",
	  "forward this port of the host; may be repeated; none by default" },
	{ 0 },
};

struct run_request {
	const char *name;
	char *appliance;
	const char *version;
	char *ports;
};

static int parse_request(char *what, const char *as, const struct strv *ports,
			 struct run_request *request, struct err *err)
{
	char *equals = strchr(what, '=');
	if (!equals || !equals[1])
		return err_set(err, ERR_USAGE,
			       "'%.64s' is not APPLIANCE=VERSION, as in askom=1.3.0", what);
	if (!as)
		return err_set(err, ERR_USAGE, "say with --as what this instance is called");
	*request = (struct run_request){ .version = equals + 1 };
	const char *checked;
	request->appliance = xstrndup(what, (size_t)(equals - what));
	request->ports = strv_join(ports, " ");
	if (cmd_name(request->appliance, &checked, err) < 0 ||
	    cmd_name(as, &request->name, err) < 0)
		return -1;
	if (str_eq(request->appliance, as))
		return err_set(err, ERR_USAGE,
			       "--as %s: that is the instance of the package itself", as);
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = appliance_conf_new();
	if (appliance_conf_set_ports(conf, request->ports, err) == 0)
		return 0;
	err->code = ERR_USAGE;
	return -1;
}

static int check_name_is_free(struct host *host, const char *name, struct err *err)
{
	_cleanup_(instance_freep) struct instance *taken = NULL;
	_cleanup_err_ struct err missing = ERR_INIT;
	_cleanup_free_ char *package = package_path(&host->root, name, CONF_FILE);
	if (instance_load(host->state, name, &taken, &missing) == 0 || file_exists(package))
		return err_set(err, ERR_REFUSED, "there is an instance %s already", name);
	return missing.code == ERR_NOT_FOUND ? 0
					     : err_set(err, missing.code, "%s", missing.msg);
}

static int check_is_kept(struct host *host, const struct run_request *request,
			 struct err *err)
{
	_cleanup_strv_ struct strv kept = STRV_INIT;
	if (base_store_versions(host, request->appliance, &kept, err) < 0)
		return -1;
	if (strv_contains(&kept, request->version))
		return 0;
	_cleanup_free_ char *list = strv_join(&kept, ", ");
	return err_set(err, ERR_NOT_FOUND, "version %s of %s is not kept here; these are: %s",
		       request->version, request->appliance, kept.count ? list : "none");
}

static int record(struct host *host, const struct run_request *request, struct err *err)
{
	_cleanup_(instance_freep) struct instance *inst = instance_new(request->name);
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	_cleanup_free_ char *path = version_path(&host->root, request->appliance,
						 request->version, CONF_FILE);
	if (appliance_conf_read_file(path, &conf, err) < 0)
		return -1;
	instance_set(&inst->appliance, request->appliance);
	instance_set(&inst->wanted_version, conf->version);
	instance_set(&inst->wanted_base, conf->base_sha256);
	instance_set(&inst->ports, request->ports);
	return instance_save(host->state, inst, err);
}

static int run(struct cli *cli, const struct run_request *request, struct err *err)
{
	_cleanup_(host_freep) struct host *host = NULL;
	if (cmd_open_host(cli, &host, err) < 0)
		return -1;
	_cleanup_close_ int lock = host_lock(host, err);
	if (lock < 0 || check_name_is_free(host, request->name, err) < 0 ||
	    check_is_kept(host, request, err) < 0 || record(host, request, err) < 0)
		return -1;
	printf("%s runs %s %s, %s%s; `appliance drop --purge %s` ends it\n", request->name,
	       request->appliance, request->version,
	       *request->ports ? "with ports " : "without ports of the host", request->ports,
	       request->name);
	return converge_one(host, request->name, err);
}

int cmd_run(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_strv_ struct strv ports = STRV_INIT;
	const char *as = NULL;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		if (id == OPT_AS)
			as = cli->value;
		else
			strv_add(&ports, cli->value);
	}
	if (id < 0 || cli_check_args(cli, argc, 1, 1, err) < 0)
		return -1;
	struct run_request request = { 0 };
	int result = parse_request(argv[cli->next], as, &ports, &request, err);
	if (result == 0)
		result = run(cli, &request, err);
	free(request.appliance);
	free(request.ports);
	return result;
}
