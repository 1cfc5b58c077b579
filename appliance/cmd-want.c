/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance want NAME [--state STATE]: writes down what should be; changes nothing else.
 */
#include "appliance/bad-version.h"
#include "appliance/base-store.h"
#include "appliance/cmd.h"
#include "appliance/instance.h"
#include "common/appliance-conf.h"
#include "common/atomic-file.h"
#include "common/log.h"

enum { OPT_STATE = 1 };

const struct cli_opt cmd_want_opts[] = {
	{ OPT_STATE, "state", 0, "STATE", "running, stopped, paused or removed" },
	{ 0 },
};

int want_installed(struct host *host, struct instance *inst, struct err *err)
{
	/* Of `appliance run --as`: its version is its own. */
	if (!str_eq(inst->name, inst->appliance))
		return 0;
	_cleanup_free_ char *path = package_path(&host->root, inst->appliance, CONF_FILE);
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	if (!file_exists(path))
		return err_set(err, ERR_NOT_FOUND, "%s is not installed: there is no %s",
			       inst->appliance, path);
	if (appliance_conf_read_file(path, &conf, err) < 0)
		return -1;
	if (!str_eq(conf->appliance, inst->appliance))
		return err_set(err, ERR_INPUT, "%s: Appliance: is %s, not %s", path,
			       conf->appliance, inst->appliance);
	_cleanup_(bad_version_freep) struct bad_version *bad = NULL;
	if (bad_version_find(host->state, inst->appliance, conf->version, conf->base_sha256,
			     &bad, err) < 0)
		return -1;
	if (bad && inst->good_version) {
		log_warn("%s %s was reverted here (%s) and is not tried again; `appliance "
			 "forgive %s` lets it be",
			 inst->name, conf->version, bad->reason, inst->name);
		return 0;
	}
	instance_set(&inst->wanted_version, conf->version);
	instance_set(&inst->wanted_base, conf->base_sha256);
	return 0;
}

/* state NULL: as it is, and running for one that is new or was removed. */
static int want(struct host *host, const char *name, const void *arg, struct err *err)
{
	const char *state = arg;
	_cleanup_(instance_freep) struct instance *inst = NULL;
	enum wanted_state wanted = WANTED_RUNNING;
	if (state && wanted_state_parse(state, &wanted, err) < 0)
		return -1;
	_cleanup_err_ struct err missing = ERR_INIT;
	if (instance_load(host->state, name, &inst, &missing) < 0) {
		if (missing.code != ERR_NOT_FOUND)
			return err_set(err, missing.code, "%s", missing.msg);
		if (wanted == WANTED_REMOVED) {
			log_debug("there is no instance %s", name);
			return 0;
		}
		inst = instance_new(name);
	}
	if (state || inst->wanted_state == WANTED_REMOVED)
		inst->wanted_state = wanted;
	if (inst->wanted_state != WANTED_REMOVED && want_installed(host, inst, err) < 0)
		return -1;
	return instance_save(host->state, inst, err);
}

int cmd_want(struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *state = NULL;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		state = cli->value;
	return id < 0 ? -1 : cmd_change(cli, argc, argv, want, state, err);
}
