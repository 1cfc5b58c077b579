/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The subcommands of imagepkg and their options; each in its cmd-*.c. */
#ifndef WAYBILL_IMAGEPKG_CMDS_H
#define WAYBILL_IMAGEPKG_CMDS_H

#include "common/cli.h"

extern const struct cli_opt cmd_boot_test_opts[];
extern const struct cli_opt cmd_build_opts[];
extern const struct cli_opt cmd_delta_opts[];
extern const struct cli_opt cmd_patch_opts[];
extern const struct cli_opt cmd_wrap_opts[];

int cmd_boot_test(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_build(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_delta(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_patch(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_wrap(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_inspect(struct cli *cli, int argc, char **argv, struct err *err);
int cmd_verify(struct cli *cli, int argc, char **argv, struct err *err);

#endif
