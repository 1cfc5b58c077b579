/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/stat.h>

#include "repo-tools/cmds.h"

enum { OPT_REPO = 1 };

static const struct cli_opt opts[] = {
	{ OPT_REPO, "repo", 0, "DIR", "the repository (default $WAYBILL_REPO or /srv/waybill)" },
	{ 0 },
};

static const struct cli_cmd cmds[] = {
	{ "init", NULL, "make a repository, and its signing keys", cmd_init_opts, cmd_init },
	{ "add", "FILE.deb...", "publish packages", cmd_add_opts, cmd_add },
	{ "remove", "NAME[=VERSION]...", "take packages out of their suites", cmd_suite_opts,
	  cmd_remove },
	{ "phase", "NAME[=VERSION] PERCENT", "publish a version for some of the sites first",
	  cmd_suite_opts, cmd_phase },
	{ "list", "[NAME]", "show what is published", cmd_suite_opts, cmd_list },
	{ "verify", NULL, "check every hash and signature", NULL, cmd_verify },
	{ "resign", NULL, "renew the Valid-Until of suites and site lists", NULL, cmd_resign },
	{ "gc", NULL, "delete files that no suite uses", cmd_gc_opts, cmd_gc },
	{ "serve", NULL, "serve public/ over HTTP, to try things out", cmd_serve_opts, cmd_serve },
	{ "site add", "SITE", "make a site with empty lists", cmd_site_add_opts, cmd_site_add },
	{ "site list", NULL, "show all sites", NULL, cmd_site_list },
	{ "site show", "SITE", "show a site's lists, serial and last report", NULL,
	  cmd_site_show },
	{ "site assign", "SITE NAME[=VERSION]...", "say what a site must, may or may not have",
	  cmd_site_assign_opts, cmd_site_assign },
	{ "site unassign", "SITE NAME...", "take names out of a site's lists", NULL,
	  cmd_site_unassign },
	{ "site param", "SITE APPLIANCE [NAME=VALUE]...", "set or show an appliance's parameters",
	  cmd_site_param_opts, cmd_site_param },
	{ "site key", "SITE FILE", "set a site's ssh key", NULL, cmd_site_key },
	{ "site keys", NULL, "print the lines for authorized_keys", NULL, cmd_site_keys },
	{ "site bundle", "[SITE]", "write a tar with a site's configuration", cmd_site_bundle_opts,
	  cmd_site_bundle },
	{ "site token", "[SITE]", "make a token with which a machine becomes a site",
	  cmd_site_token_opts, cmd_site_token },
	{ "site hardware", "SITE", "write down or show which machine is to become a site",
	  cmd_site_hardware_opts, cmd_site_hardware },
	{ "site preseed", "SITE FILE", "sign what a generic stick installs a site with", NULL,
	  cmd_site_preseed },
	{ "site pending", NULL, "show machines that wait or were refused", NULL, cmd_site_pending },
	{ "site approve", "SITE [KEY|SERIAL]", "let a machine become a site", NULL,
	  cmd_site_approve },
	{ "site revoke", "SITE|KEY", "let a site's machine, or a waiting one, in no more", NULL,
	  cmd_site_revoke },
	{ "site remove", "SITE", "forget a site", NULL, cmd_site_remove },
	{ 0 },
};

static int on_opt(struct cli *cli, int id, const char *value, struct err *err)
{
	((struct imagerepo *)cli->ctx)->dir = value;
	return 0;
}

static const struct cli_prog prog = {
	.name = "imagerepo",
	.summary = "Publish appliances as a signed apt repository and assign them to sites",
	.cmds = cmds,
	.opts = opts,
	.on_opt = on_opt,
};

int main(int argc, char **argv)
{
	struct imagerepo imagerepo = { 0 };
	umask(022); /* public/ is for a web server to read; private/ asks for less itself */
	return cli_main(&prog, &imagerepo, argc, argv);
}
