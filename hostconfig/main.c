/* SPDX-License-Identifier: GPL-3.0-or-later */
/* waybill-hostconfig: makes this host the gateway of the machines behind it. */
#include "common/cli.h"
#include "common/log.h"
#include "common/root.h"
#include "common/util.h"
#include "hostconfig/cmds.h"

enum { OPT_ROOT = 1 };

static int on_opt(struct cli *cli, int id, const char *value, struct err *err)
{
	struct root *root = cli->ctx;
	root_destroy(root);
	return root_init(root, value, err);
}

static const struct cli_opt opts[] = {
	{ OPT_ROOT, "root", 0, "DIR", "where its files are (default: /)" },
	{ 0 },
};

static const struct cli_cmd cmds[] = {
	{ "up", NULL, "make bridge, firewall and DHCP what hostconfig.conf says", NULL, cmd_up },
	{ "down", NULL, "take bridge and firewall away", NULL, cmd_down },
	{ "show", NULL, "show the parameters in force", NULL, cmd_show },
	{ 0 },
};

static const struct cli_prog prog = {
	"waybill-hostconfig", "Set up the network behind this host", cmds, opts, on_opt
};

int main(int argc, char **argv)
{
	struct root root = { NULL, NULL };
	struct err err = ERR_INIT;
	if (root_init(&root, NULL, &err) < 0)
		return (int)log_err(&err);
	int code = cli_main(&prog, &root, argc, argv);
	root_destroy(&root);
	return code;
}
