/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every part of pkgmgr works on: one site. */
#ifndef PKGMGR_PKGMGR_H
#define PKGMGR_PKGMGR_H

#include "common/cli.h"
#include "common/root.h"
#include "common/state.h"
#include "common/pkgmgr-conf.h"

struct pkgmgr {
	struct root root;
	struct pkgmgr_conf *conf;
	struct state *state;
};

/* Read the configuration and open state.db, as every command does first. The root
 * has been set from --root by then. Errors: ERR_USAGE, also if it names no site, which
 * only pkgmgr_open_unenrolled() takes: then m->conf->site is NULL. */
int pkgmgr_open(struct pkgmgr *m, struct err *err) _must_check_;
int pkgmgr_open_unenrolled(struct pkgmgr *m, struct err *err) _must_check_;
void pkgmgr_destroy(struct pkgmgr *m);

extern const struct cli_opt history_opts[];
extern const struct cli_opt serve_opts[];

int cmd_enroll(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_history(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_plan(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_reboot(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_serve(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_status(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_sync(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_verify(struct cli *cli, int argc, char **argv, struct err *err);

#endif
