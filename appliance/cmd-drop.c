/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance drop NAME [--purge]: what postrm calls. The data disk stays until --purge. */
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "appliance/base-store.h"
#include "appliance/before.h"
#include "appliance/cmd.h"
#include "appliance/converge.h"
#include "appliance/disks.h"
#include "appliance/domain-xml.h"
#include "appliance/screen-agent.h"
#include "common/atomic-file.h"
#include "common/log.h"

enum { OPT_PURGE = 1 };

const struct cli_opt cmd_drop_opts[] = {
	{ OPT_PURGE, "purge", 0, NULL, "its data disk and parameters too" },
	{ 0 },
};

/* Everything in instances/<unit> but the data disk, which may be an overlay on the one in
 * before/ if no converge came to merge them; then the directory if it is empty. */
static int remove_all_but_data(const struct root *root, const char *unit, struct err *err)
{
	_cleanup_free_ char *dir = instance_path(root, unit, "");
	bool chained = before_look(root, unit) == BEFORE_CHAINED;
	DIR *handle = opendir(dir);
	if (!handle)
		return errno == ENOENT ? 0 : err_sys(err, "read %s", dir);
	int result = 0;
	for (struct dirent *e; result == 0 && (e = readdir(handle));) {
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") ||
		    str_eq(e->d_name, DATA_FILE) || (chained && str_eq(e->d_name, BEFORE_DIR)))
			continue;
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, e->d_name);
		result = remove_tree(path, err);
	}
	closedir(handle);
	if (result == 0 && rmdir(dir) < 0 && errno != ENOTEMPTY)
		return err_sys(err, "remove %s", dir);
	return result;
}

/* libvirt keeps the AppArmor profile that it wrote for a domain, also when the domain is
 * undefined (virt-aa-helper -D of 9.0 removes the `.files` part alone). */
static int remove_profile(const struct host *host, const char *name, struct err *err)
{
	char uuid[DOMAIN_UUID_SIZE];
	domain_uuid(host->root.dir, name, uuid);
	_cleanup_free_ char *path = xasprintf("/etc/apparmor.d/libvirt/libvirt-%s", uuid);
	return file_exists(path) ? atomic_unlink(path, err) : 0;
}

/* unit: the one that has the data disk. */
static int drop_files(struct host *host, const char *name, const char *unit, bool purge,
		      struct err *err)
{
	_cleanup_free_ char *dir = instance_path(&host->root, unit, "");
	_cleanup_free_ char *params = root_path(&host->root, PARAMS_DIR "/%s", name);
	_cleanup_free_ char *second = xasprintf("%s@b", name);
	if (screen_agent_stop(host, name, err) < 0 || screen_agent_stop(host, second, err) < 0 ||
	    (purge ? remove_tree(dir, err) : remove_all_but_data(&host->root, unit, err)) < 0 ||
	    base_store_drop(host, name, err) < 0)
		return -1;
	if (!purge)
		return 0;
	return atomic_unlink(params, err) < 0 ? -1 : remove_profile(host, name, err);
}

/* Stop and undefine. Without a hypervisor the files go all the same: nothing may stay
 * behind, and a domain that is left is undefined by the next converge. */
static int end_domain(struct host *host, struct instance *inst, bool *ended,
		      struct err *err)
{
	inst->wanted_state = WANTED_REMOVED;
	if (instance_save(host->state, inst, err) < 0)
		return -1;
	_cleanup_err_ struct err why = ERR_INIT;
	*ended = converge_one(host, inst->name, &why) == 0;
	if (*ended || why.code == ERR_NETWORK) {
		if (!*ended)
			log_warn("%s", why.msg);
		return 0;
	}
	return err_set(err, why.code, "%s", why.msg);
}

/* With its data kept the row stays, so that `list` shows whose data it is. */
static int drop_row(struct host *host, struct instance *inst, bool ended, struct err *err)
{
	_cleanup_free_ char *dir = instance_path(&host->root, inst->unit, "");
	if (ended && !file_exists(dir))
		return instance_forget(host->state, inst->name, err);
	instance_set(&inst->wanted_version, NULL);
	instance_set(&inst->wanted_base, NULL);
	instance_set(&inst->actual_base, NULL);
	instance_set(&inst->good_version, NULL);
	instance_set(&inst->good_base, NULL);
	instance_set(&inst->health_reason, NULL);
	inst->trial = TRIAL_NONE;
	inst->health = HEALTH_UNKNOWN;
	instance_set(&inst->step, NULL);
	instance_set(&inst->note,
		     ended ? "removed; its data disk is kept" : "waits for libvirt");
	if (ended)
		instance_set(&inst->actual_version, NULL);
	return instance_save(host->state, inst, err);
}

static int drop(struct host *host, const char *name, const void *arg, struct err *err)
{
	const bool *purge = arg;
	_cleanup_(instance_freep) struct instance *inst = NULL;
	_cleanup_err_ struct err missing = ERR_INIT;
	bool ended = true;
	if (instance_load(host->state, name, &inst, &missing) < 0 &&
	    missing.code != ERR_NOT_FOUND)
		return err_set(err, missing.code, "%s", missing.msg);
	if (inst && end_domain(host, inst, &ended, err) < 0)
		return -1;
	if (drop_files(host, name, inst ? inst->unit : name, *purge, err) < 0)
		return -1;
	return inst ? drop_row(host, inst, ended, err) : 0;
}

int cmd_drop(struct cli *cli, int argc, char **argv, struct err *err)
{
	bool purge = false;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		purge = true;
	return id < 0 ? -1 : cmd_change(cli, argc, argv, drop, &purge, err);
}
