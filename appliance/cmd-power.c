/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance start|stop|pause|resume|reset NAME: each records what is wanted, and converge
 * does the rest. */
#include "appliance/cmd.h"
#include "appliance/converge.h"
#include "appliance/instance.h"

static void want_running(struct instance *inst)
{
	inst->wanted_state = WANTED_RUNNING;
}
static void want_stopped(struct instance *inst)
{
	inst->wanted_state = WANTED_STOPPED;
}
static void want_paused(struct instance *inst)
{
	inst->wanted_state = WANTED_PAUSED;
}

/* An overlay of no known version is made anew. */
static void want_fresh(struct instance *inst)
{
	instance_set(&inst->actual_version, NULL);
}

static int record(struct host *host, const char *name,
		  void (*change)(struct instance *inst), struct err *err)
{
	_cleanup_(instance_freep) struct instance *inst = NULL;
	if (instance_load(host->state, name, &inst, err) < 0)
		return -1;
	if (inst->wanted_state == WANTED_REMOVED)
		return err_set(err, ERR_REFUSED,
			       "%s was removed; install its package again", name);
	change(inst);
	return instance_save(host->state, inst, err);
}

static int record_and_converge(struct cli *cli, int argc, char **argv,
			       void (*change)(struct instance *inst), struct err *err)
{
	const char *name;
	if (cli_no_opts(cli, argc, argv, 1, 1, err) < 0 ||
	    cmd_name(argv[cli->next], &name, err) < 0)
		return -1;
	_cleanup_(host_freep) struct host *host = NULL;
	if (cmd_open_host(cli, &host, err) < 0)
		return -1;
	_cleanup_close_ int lock = host_lock(host, err);
	if (lock < 0 || record(host, name, change, err) < 0)
		return -1;
	return converge_one(host, name, err);
}

int cmd_start(struct cli *cli, int argc, char **argv, struct err *err)
{
	return record_and_converge(cli, argc, argv, want_running, err);
}

int cmd_stop(struct cli *cli, int argc, char **argv, struct err *err)
{
	return record_and_converge(cli, argc, argv, want_stopped, err);
}

int cmd_pause(struct cli *cli, int argc, char **argv, struct err *err)
{
	return record_and_converge(cli, argc, argv, want_paused, err);
}

/* Paused or not, running is what is wanted then. */
int cmd_resume(struct cli *cli, int argc, char **argv, struct err *err)
{
	return record_and_converge(cli, argc, argv, want_running, err);
}

int cmd_reset(struct cli *cli, int argc, char **argv, struct err *err)
{
	return record_and_converge(cli, argc, argv, want_fresh, err);
}
