/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance converge [NAME...|--all] [--start-only] */
#include "appliance/cmd.h"
#include "appliance/converge.h"
#include "appliance/instance.h"

enum { OPT_ALL = 1, OPT_START_ONLY };

const struct cli_opt cmd_converge_opts[] = {
	{ OPT_ALL, "all", 'a', NULL, "every instance of this host" },
	{ OPT_START_ONLY, "start-only", 0, NULL,
	  "as maintainer scripts do: what fails is recorded, not returned" },
	{ 0 },
};

static int collect_names(struct host *host, int argc, char **argv, int first, bool all,
			 struct strv *names, struct err *err)
{
	if (all)
		return instance_names(host->state, names, err);
	for (int i = first; i < argc; i++) {
		const char *name;
		_cleanup_(instance_freep) struct instance *inst = NULL;
		if (cmd_name(argv[i], &name, err) < 0 ||
		    instance_load(host->state, name, &inst, err) < 0)
			return -1;
		strv_add(names, name);
	}
	return 0;
}

int cmd_converge(struct cli *cli, int argc, char **argv, struct err *err)
{
	bool all = false, start_only = false;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		all |= id == OPT_ALL;
		start_only |= id == OPT_START_ONLY;
	}
	if (id < 0 || cli_check_args(cli, argc, 0, all ? 0 : -1, err) < 0)
		return -1;
	if (!all && cli->next == argc)
		return err_set(err, ERR_USAGE, "name the instances, or give --all");
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (cmd_open_host(cli, &host, err) < 0)
		return -1;
	_cleanup_close_ int lock = host_lock(host, err);
	if (lock < 0 || collect_names(host, argc, argv, cli->next, all, &names, err) < 0)
		return -1;
	return converge_run(host, &names, start_only, err);
}
