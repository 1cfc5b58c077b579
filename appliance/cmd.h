/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The subcommands of `appliance`; main.c is their table. */
#ifndef WAYBILL_APPLIANCE_CMD_H
#define WAYBILL_APPLIANCE_CMD_H

#include "appliance/host.h"
#include "common/cli.h"

struct app {
	const char *root_dir; /* --root, or NULL */
};

/* The host below --root. */
int cmd_open_host(struct cli *cli, struct host **out, struct err *err) _must_check_;

/* The command's NAME argument, checked to be one: it goes into paths and XML. */
int cmd_name(const char *text, const char **name, struct err *err) _must_check_;

/* The rest of a command that changes one instance, after its options: take the one argument,
 * open the host, lock it, call `change` with `arg`. */
typedef int (*cmd_change_fn)(struct host *host, const char *name, const void *arg,
			     struct err *err);
int cmd_change(struct cli *cli, int argc, char **argv, cmd_change_fn change, const void *arg,
	       struct err *err) _must_check_;

struct instance;
/* What dpkg has put on disk is the version that is wanted, unless it is marked bad here and
 * there is a better one. The caller saves the row. */
int want_installed(struct host *host, struct instance *inst, struct err *err) _must_check_;

extern const struct cli_opt cmd_converge_opts[];
extern const struct cli_opt cmd_exec_opts[];
extern const struct cli_opt cmd_want_opts[];
extern const struct cli_opt cmd_console_opts[];
extern const struct cli_opt cmd_screenshot_opts[];
extern const struct cli_opt cmd_rollback_opts[];
extern const struct cli_opt cmd_run_opts[];
extern const struct cli_opt cmd_drop_opts[];
extern const struct cli_opt cmd_gc_opts[];

int cmd_list(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_show(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_want(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_converge(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_start(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_stop(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_pause(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_resume(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_reset(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_console(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_health(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_exec(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_put(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_get(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_screenshot(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_retain(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_forgive(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_rollback(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_run(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_drop(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_halt(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_gc(struct cli *cli, int argc, char **argv, struct err *err);

#endif
