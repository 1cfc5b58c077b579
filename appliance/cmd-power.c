/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance start|stop|pause|resume|reset NAME: each records what is wanted, and converge
 * does the rest. */
#include "appliance/cmd.h"
#include "appliance/converge.h"
#include "appliance/instance.h"

/* What a command writes into the row. */
struct order {
	enum wanted_state state;
	bool fresh; /* an overlay of no known version is made anew; the state stays */
};

static int record(struct host *host, const char *name, const struct order *order,
		  struct err *err)
{
	_cleanup_(instance_freep) struct instance *inst = NULL;
	if (instance_load(host->state, name, &inst, err) < 0)
		return -1;
	if (inst->wanted_state == WANTED_REMOVED)
		return err_set(err, ERR_REFUSED,
			       "%s was removed; install its package again", name);
	if (order->fresh)
		instance_set(&inst->actual_version, NULL);
	else
		inst->wanted_state = order->state;
	return instance_save(host->state, inst, err);
}

static int carry_out(struct host *host, const char *name, const void *arg,
		     struct err *err)
{
	return record(host, name, arg, err) < 0 ? -1 : converge_one(host, name, err);
}

static int run(struct cli *cli, int argc, char **argv, struct order order,
	       struct err *err)
{
	int id = cli_next(cli, argc, argv, err);
	return id < 0 ? -1 : cmd_change(cli, argc, argv, carry_out, &order, err);
}

int cmd_start(struct cli *cli, int argc, char **argv, struct err *err)
{
	return run(cli, argc, argv, (struct order){ .state = WANTED_RUNNING }, err);
}

int cmd_stop(struct cli *cli, int argc, char **argv, struct err *err)
{
	return run(cli, argc, argv, (struct order){ .state = WANTED_STOPPED }, err);
}

int cmd_pause(struct cli *cli, int argc, char **argv, struct err *err)
{
	return run(cli, argc, argv, (struct order){ .state = WANTED_PAUSED }, err);
}

/* Paused or not, running is what is wanted then. */
int cmd_resume(struct cli *cli, int argc, char **argv, struct err *err)
{
	return run(cli, argc, argv, (struct order){ .state = WANTED_RUNNING }, err);
}

int cmd_reset(struct cli *cli, int argc, char **argv, struct err *err)
{
	return run(cli, argc, argv, (struct order){ .fresh = true }, err);
}
