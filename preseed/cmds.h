/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of siteusb, each in its cmd-*.c. */
#ifndef WAYBILL_CMDS_H
#define WAYBILL_CMDS_H

#include "common/cli.h"

int cmd_build(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_part(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_check(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_write(struct cli *cli, int argc, char **argv, struct err *err);
extern const struct cli_opt cmd_build_opts[];
extern const struct cli_opt cmd_part_opts[];
extern const struct cli_opt cmd_check_opts[];
extern const struct cli_opt cmd_write_opts[];

#endif
