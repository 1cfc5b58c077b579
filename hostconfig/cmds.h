/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of waybill-hostconfig. */
#ifndef HOSTCONFIG_CMDS_H
#define HOSTCONFIG_CMDS_H

#include "common/cli.h"

int cmd_up(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_down(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_show(struct cli *cli, int argc, char **argv, struct err *err);

#endif
