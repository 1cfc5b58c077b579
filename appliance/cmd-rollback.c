/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance rollback NAME [--to VERSION]: what converge does for a sick version, because
 * somebody says so. */
#include "appliance/bad-version.h"
#include "appliance/base-store.h"
#include "appliance/cmd.h"
#include "appliance/converge.h"
#include "appliance/instance.h"
#include "common/log.h"

enum { OPT_TO = 1 };

const struct cli_opt cmd_rollback_opts[] = {
	{ OPT_TO, "to", 0, "VERSION", "a kept version, instead of the one before" },
	{ 0 },
};

static int is_marked(struct host *host, const char *appliance, const char *version,
		     bool *marked, struct err *err)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	_cleanup_(bad_version_freep) struct bad_version *bad = NULL;
	_cleanup_free_ char *path = version_path(&host->root, appliance, version, CONF_FILE);
	if (appliance_conf_read_file(path, &conf, err) < 0 ||
	    bad_version_find(host->state, appliance, version, conf->base_sha256, &bad, err) < 0)
		return -1;
	*marked = bad != NULL;
	return 0;
}

/* The newest kept version that is older than the one that runs, and was not reverted. */
static int version_before(struct host *host, const struct instance *inst,
			  const struct strv *kept, char **out, struct err *err)
{
	const char *best = NULL;
	for (size_t i = 0; i < kept->count; i++) {
		const char *version = kept->items[i];
		bool marked;
		if (version_compare(version, inst->actual_version) >= 0 ||
		    (best && version_compare(version, best) <= 0))
			continue;
		if (is_marked(host, inst->appliance, version, &marked, err) < 0)
			return -1;
		best = marked ? best : version;
	}
	*out = best ? xstrdup(best) : NULL;
	return 0;
}

static int choose(struct host *host, const struct instance *inst, const char *to,
		  char **version, struct err *err)
{
	_cleanup_strv_ struct strv kept = STRV_INIT;
	bool on_trial = inst->trial == TRIAL_GATE || inst->trial == TRIAL_WATCH;
	if (base_store_versions(host, inst->appliance, &kept, err) < 0)
		return -1;
	if (to)
		*version = strv_contains(&kept, to) ? xstrdup(to) : NULL;
	else if (on_trial && inst->good_version)
		*version = xstrdup(inst->good_version);
	else if (version_before(host, inst, &kept, version, err) < 0)
		return -1;
	if (*version)
		return 0;
	_cleanup_free_ char *list = strv_join(&kept, ", ");
	return err_set(err, ERR_NOT_FOUND, "%s: %s%s is not kept here; these are: %s",
		       inst->name, to ? "version " : "a version before ",
		       to ? to : inst->actual_version, kept.count ? list : "none");
}

/* Marked first, so that the next reinstallation or sync does not bring it back. */
static int record(struct host *host, struct instance *inst, const char *version, bool revert,
		  struct err *err)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	_cleanup_free_ char *path =
		version_path(&host->root, inst->appliance, version, CONF_FILE);
	if (appliance_conf_read_file(path, &conf, err) < 0 ||
	    bad_version_mark(host->state, inst->appliance, inst->actual_version,
			     inst->actual_base, "rolled back by hand", NULL, err) < 0)
		return -1;
	instance_set(&inst->wanted_version, conf->version);
	instance_set(&inst->wanted_base, conf->base_sha256);
	if (revert)
		inst->trial = TRIAL_REVERT;
	return instance_save(host->state, inst, err);
}

static int rollback(struct host *host, const char *name, const void *arg, struct err *err)
{
	const char *to = arg;
	_cleanup_(instance_freep) struct instance *inst = NULL;
	_cleanup_free_ char *version = NULL;
	if (instance_load(host->state, name, &inst, err) < 0)
		return -1;
	if (!inst->actual_version || inst->wanted_state == WANTED_REMOVED)
		return err_set(err, ERR_REFUSED, "%s runs no version to go back from", name);
	if (choose(host, inst, to, &version, err) < 0)
		return -1;
	if (str_eq(version, inst->actual_version))
		return err_set(err, ERR_REFUSED, "%s is at %s already", name, version);
	bool revert = inst->trial != TRIAL_NONE && str_same(version, inst->good_version);
	if (record(host, inst, version, revert, err) < 0)
		return -1;
	printf("%s goes back from %s to %s, with its data as %s\n", name,
	       inst->actual_version, version,
	       revert ? "it was before the upgrade" : "it is");
	return converge_one(host, name, err);
}

int cmd_rollback(struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *to = NULL;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		to = cli->value;
	return id < 0 ? -1 : cmd_change(cli, argc, argv, rollback, to, err);
}
