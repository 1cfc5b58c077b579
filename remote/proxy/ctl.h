/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vncproxyctl's commands. */
#ifndef WAYBILL_CTL_H
#define WAYBILL_CTL_H

#include "common/cli.h"
#include "remote/proxy/conf.h"

struct ctl {
	char *config; /* or NULL: the default */
};

/* The proxy's configuration, to be freed with proxy_conf_free(), or NULL. */
struct proxy_conf *ctl_conf(const struct cli *cli, struct err *err);

int cmd_init(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_code(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_sessions(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_end(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_reload(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_pin(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_machine_list(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_machine_add(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_machine_remove(struct cli *cli, int argc, char **argv, struct err *err);

int cmd_recordings(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_play(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_user_list(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_user_set(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_user_remove(struct cli *cli, int argc, char **argv, struct err *err);

extern const struct cli_opt code_opts[], machine_add_opts[];

#endif
