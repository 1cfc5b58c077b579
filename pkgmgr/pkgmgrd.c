/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pkgmgrd: decides when a site syncs, and runs `pkgmgr sync` for it. Links none of
 * the heavy libraries. Source: docs/spec/schedule.md */
#include <stdio.h>

#include "common/cli.h"
#include "common/util.h"
#include "pkgmgr/scheduler.h"

enum { OPT_ROOT = 1 };

struct context {
	char *root_dir;
};

static int with_root(const struct cli *cli, int (*act)(const struct root *, struct err *),
		     struct err *err)
{
	const struct context *context = cli->ctx;
	struct root root;
	if (root_init(&root, context->root_dir, err) < 0)
		return -1;
	int result = act(&root, err);
	root_destroy(&root);
	return result;
}

static int cmd_run(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	return with_root(cli, scheduler_run, err);
}

static int print_answer(const struct root *root, const char *request, struct err *err)
{
	_cleanup_free_ char *answer = NULL;
	if (scheduler_ask(root, request, &answer, err) < 0)
		return -1;
	printf("%s\n", answer);
	return 0;
}

static int ask_sync(const struct root *root, struct err *err)
{
	return print_answer(root, "sync", err);
}

static int ask_status(const struct root *root, struct err *err)
{
	return print_answer(root, "status", err);
}

static int cmd_kick(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	return with_root(cli, ask_sync, err);
}

static int cmd_status(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	return with_root(cli, ask_status, err);
}

static int on_opt(struct cli *cli, int id, const char *value, struct err *err)
{
	struct context *context = cli->ctx;
	free(context->root_dir);
	context->root_dir = xstrdup(value);
	return 0;
}

static const struct cli_cmd cmds[] = {
	{ "run", NULL, "schedule syncs, in the foreground, until TERM", NULL, cmd_run },
	{ "kick", NULL, "ask the running pkgmgrd to sync now", NULL, cmd_kick },
	{ "status", NULL, "ask it when it will sync next, as JSON", NULL, cmd_status },
	{ 0 },
};

static const struct cli_opt opts[] = {
	{ OPT_ROOT, "root", 0, "DIR", "the site's root directory (default: /)" },
	{ 0 },
};

static const struct cli_prog prog = { "pkgmgrd", "Decide when a site syncs", cmds, opts, on_opt };

int main(int argc, char **argv)
{
	struct context context = { NULL };
	int code = cli_main(&prog, &context, argc, argv);
	free(context.root_dir);
	return code;
}
