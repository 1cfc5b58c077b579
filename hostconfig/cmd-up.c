/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hostconfig/cmds.h"
#include "hostconfig/host.h"

int cmd_up(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	return host_up(cli->ctx, err);
}

int cmd_down(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	return host_down(cli->ctx, err);
}
