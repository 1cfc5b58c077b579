/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance converge [NAME...|--all] [--start-only] */
#include <time.h>

#include "appliance/cmd.h"
#include "appliance/converge.h"
#include "appliance/settings.h"
#include "common/log.h"

enum { OPT_ALL = 1, OPT_BOOT, OPT_START_ONLY };
enum { PAUSE_SECONDS = 1 };

const struct cli_opt cmd_converge_opts[] = {
	{ OPT_ALL, "all", 'a', NULL, "every instance of this host" },
	{ OPT_BOOT, "boot", 0, NULL,
	  "the host has booted: what has Autostart: no stays off" },
	{ OPT_START_ONLY, "start-only", 0, NULL,
	  "as maintainer scripts do: what fails is recorded, not returned" },
	{ 0 },
};

struct request {
	char **names;
	int count;
	bool all, start_only, boot;
};

/* Anew for each pass: instances come and go while it waits. */
static int collect_names(struct host *host, const struct request *request,
			 struct strv *names, struct err *err)
{
	if (request->all)
		return instance_names(host->state, names, err);
	for (int i = 0; i < request->count; i++) {
		const char *name;
		_cleanup_(instance_freep) struct instance *inst = NULL;
		if (cmd_name(request->names[i], &name, err) < 0 ||
		    instance_load(host->state, name, &inst, err) < 0)
			return -1;
		strv_add(names, name);
	}
	return 0;
}

/* What is off and does not start by itself is wanted stopped from here on. */
static int settle_one(struct host *host, struct hypervisor *hv, const char *name,
		      struct err *err)
{
	_cleanup_(instance_freep) struct instance *inst = NULL;
	_cleanup_(settings_freep) struct settings *settings = NULL;
	_cleanup_err_ struct err broken = ERR_INIT;
	struct domain_facts facts;
	if (instance_load(host->state, name, &inst, err) < 0)
		return -1;
	_cleanup_free_ char *domain = root_domain_name(&host->root, inst->unit);
	if (domain_look(hv, domain, &facts, err) < 0)
		return -1;
	bool off = facts.state == DOMAIN_OFF || facts.state == DOMAIN_ABSENT;
	if (!off || !inst->actual_version || inst->wanted_state == WANTED_REMOVED ||
	    settings_load(host, inst, inst->actual_version, &settings, &broken) < 0 ||
	    settings->conf->autostart)
		return 0;
	inst->wanted_state = WANTED_STOPPED;
	return instance_save(host->state, inst, err);
}

static int settle_boot(struct host *host, const struct strv *names, struct err *err)
{
	_cleanup_(hypervisor_freep) struct hypervisor *hv = NULL;
	_cleanup_err_ struct err nobody = ERR_INIT;
	if (hypervisor_open(host->libvirt_uri, &hv, &nobody) < 0)
		return 0; /* converge says so */
	for (size_t i = 0; i < names->count; i++)
		if (settle_one(host, hv, names->items[i], err) < 0)
			return -1;
	return 0;
}

/* The lock is given up between two passes, so that others can act while guests boot. */
static int one_pass(struct host *host, const struct request *request,
		    struct converge_outcome *outcome, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_close_ int lock = host_lock(host, err);
	*outcome = (struct converge_outcome){ 0 };
	if (lock < 0 || collect_names(host, request, &names, err) < 0)
		return -1;
	if (request->boot && settle_boot(host, &names, err) < 0)
		return -1;
	return converge_run(host, &names, request->start_only, outcome, err);
}

/* Until every version is well or was given up; the deadlines of the checks bound it. The
 * first failure is the one that is returned: what follows are its consequences. */
static int run(struct host *host, struct request *request, struct err *err)
{
	struct converge_outcome outcome;
	for (bool told = false;; request->boot = false) {
		_cleanup_err_ struct err this = ERR_INIT;
		if (one_pass(host, request, &outcome, &this) < 0 && err->code == ERR_NONE)
			err_set(err, this.code, "%s", this.msg);
		if (!outcome.waiting || request->start_only)
			break;
		if (!told)
			log_info("waiting until all checks pass ...");
		told = true;
		nanosleep(&(struct timespec){ .tv_sec = PAUSE_SECONDS }, NULL);
	}
	if (outcome.blocked && !request->start_only && err->code == ERR_NONE)
		err_set(err, ERR_BUSY,
			"not all could start; `appliance list` says what they wait for");
	return err->code == ERR_NONE ? 0 : -1;
}

int cmd_converge(struct cli *cli, int argc, char **argv, struct err *err)
{
	bool all = false, start_only = false, boot = false;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		all |= id == OPT_ALL;
		start_only |= id == OPT_START_ONLY;
		boot |= id == OPT_BOOT;
	}
	if (id < 0 || cli_check_args(cli, argc, 0, all ? 0 : -1, err) < 0)
		return -1;
	if (!all && cli->next == argc)
		return err_set(err, ERR_USAGE, "name the instances, or give --all");
	_cleanup_(host_freep) struct host *host = NULL;
	if (cmd_open_host(cli, &host, err) < 0)
		return -1;
	struct request request = { argv + cli->next, argc - cli->next, all, start_only,
				   boot };
	return run(host, &request, err);
}
