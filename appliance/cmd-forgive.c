/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance forgive NAME: versions that were reverted here may be tried again. */
#include "appliance/bad-version.h"
#include "appliance/cmd.h"
#include "appliance/converge.h"
#include "appliance/instance.h"

static int forgive(struct host *host, const char *name, const void *arg, struct err *err)
{
	(void)arg;
	_cleanup_(instance_freep) struct instance *inst = NULL;
	_cleanup_strv_ struct strv marked = STRV_INIT;
	if (instance_load(host->state, name, &inst, err) < 0 ||
	    bad_version_list(host->state, inst->appliance, &marked, err) < 0)
		return -1;
	for (size_t i = 0; i < marked.count; i++)
		if (bad_version_clear(host->state, inst->appliance, marked.items[i], err) < 0)
			return -1;
	if (marked.count == 0) {
		printf("no version of %s was reverted here\n", inst->appliance);
		return 0;
	}
	if (inst->wanted_state == WANTED_REMOVED)
		return 0;
	if (want_installed(host, inst, err) < 0 ||
	    instance_save(host->state, inst, err) < 0)
		return -1;
	printf("%s %s is tried again; `appliance converge %s` waits for the outcome\n", name,
	       inst->wanted_version, name);
	return converge_one(host, name, err);
}

int cmd_forgive(struct cli *cli, int argc, char **argv, struct err *err)
{
	int id = cli_next(cli, argc, argv, err);
	return id < 0 ? -1 : cmd_change(cli, argc, argv, forgive, NULL, err);
}
