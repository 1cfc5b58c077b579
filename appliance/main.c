/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/cmd.h"

enum { OPT_ROOT = 1000 };

static const struct cli_opt opts[] = {
	{ OPT_ROOT, "root", 0, "DIR", "work on the state below DIR (default /)" },
	{ 0 },
};

static const struct cli_cmd cmds[] = {
	{ "list", "", "show all instances", NULL, cmd_list },
	{ "show", "NAME", "show all that is known of one instance", NULL, cmd_show },
	{ "start", "NAME", "want it running, and start it", NULL, cmd_start },
	{ "stop", "NAME", "want it stopped, and stop it", NULL, cmd_stop },
	{ "pause", "NAME", "want it paused, and freeze it", NULL, cmd_pause },
	{ "resume", "NAME", "want it running again after a pause", NULL, cmd_resume },
	{ "reset", "NAME", "throw away all changes to its system disk", NULL, cmd_reset },
	{ "console", "NAME", "attach to its serial console, or print its log",
	  cmd_console_opts, cmd_console },
	{ "screenshot", "NAME", "save its screen as PNG", cmd_screenshot_opts,
	  cmd_screenshot },
	{ "health", "NAME", "run its health checks now", NULL, cmd_health },
	{ "exec", "NAME [--] COMMAND [ARG]...", "run a command in the guest", cmd_exec_opts,
	  cmd_exec },
	{ "put", "NAME FILE GUEST-PATH", "copy a file into the guest", NULL, cmd_put },
	{ "get", "NAME GUEST-PATH FILE|-", "copy a file out of the guest", NULL, cmd_get },
	{ "want", "NAME", "record the installed version, or a state, as wanted",
	  cmd_want_opts, cmd_want },
	{ "converge", "[NAME]...", "make what is be what is wanted", cmd_converge_opts,
	  cmd_converge },
	{ "halt", "", "the host goes down: stop all, in order, and want them on",
	  NULL, cmd_halt },
	{ "run", "APPLIANCE=VERSION", "run a kept version beside the installed one",
	  cmd_run_opts, cmd_run },
	{ "rollback", "NAME", "go back to the version before, by hand", cmd_rollback_opts,
	  cmd_rollback },
	{ "forgive", "NAME", "try again a version that was reverted here", NULL,
	  cmd_forgive },
	{ "retain", "NAME", "keep the installed version past the next unpack", NULL,
	  cmd_retain },
	{ "drop", "NAME", "forget a removed appliance, but for its data", cmd_drop_opts,
	  cmd_drop },
	{ "gc", "", "remove bases that nothing uses", cmd_gc_opts, cmd_gc },
	{ 0 },
};

static int on_opt(struct cli *cli, int id, const char *value, struct err *err)
{
	struct app *app = cli->ctx;
	if (id == OPT_ROOT)
		app->root_dir = value;
	return 0;
}

static const struct cli_prog prog = {
	.name = "appliance",
	.summary = "Run the virtual appliances of this host",
	.cmds = cmds,
	.opts = opts,
	.on_opt = on_opt,
};

int main(int argc, char **argv)
{
	struct app app = { NULL };
	return cli_main(&prog, &app, argc, argv);
}
