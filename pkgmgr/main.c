/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pkgmgr: makes a site's packages what its signed list says. */
#include "pkgmgr/pkgmgr.h"

enum { OPT_ROOT = 1 };

static int on_opt(struct cli *cli, int id, const char *value, struct err *err)
{
	struct pkgmgr *m = cli->ctx;
	root_destroy(&m->root);
	return root_init(&m->root, value, err);
}

static const struct cli_opt opts[] = {
	{ OPT_ROOT, "root", 0, "DIR", "the site's root directory (default: /)" },
	{ 0 },
};

static const struct cli_cmd cmds[] = {
	{ "sync", NULL, "fetch the site's list and make the packages match it", NULL, cmd_sync },
	{ "enroll", NULL, "show the operator's gate a token, to become a site", NULL, cmd_enroll },
	{ "plan", NULL, "show what the last good list would change now", NULL, cmd_plan },
	{ "status", NULL, "show wanted, installed and running versions", NULL, cmd_status },
	{ "history", NULL, "show past syncs and what they changed", history_opts, cmd_history },
	{ "verify", NULL, "check the list's signature, our packages' files and the bases", NULL,
	  cmd_verify },
	{ "reboot", NULL, "reboot if one is needed, the window is open and nothing is under way",
	  NULL, cmd_reboot },
	{ "serve", NULL, "offer neighbours what this site has verified", serve_opts, cmd_serve },
	{ 0 },
};

static const struct cli_prog prog = { "pkgmgr", "Make a site's packages match its signed list",
				      cmds, opts, on_opt };

int main(int argc, char **argv)
{
	struct pkgmgr m = { 0 };
	int code = cli_main(&prog, &m, argc, argv);
	pkgmgr_destroy(&m);
	return code;
}
