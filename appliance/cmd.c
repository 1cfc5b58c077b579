/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/cmd.h"

int cmd_open_host(struct cli *cli, struct host **out, struct err *err)
{
	const struct app *app = cli->ctx;
	return host_open(app->root_dir, out, err);
}

int cmd_name(const char *text, const char **name, struct err *err)
{
	if (!name_is_valid(text))
		return err_set(err, ERR_USAGE, "'%.64s' is not the name of an appliance",
			       text);
	*name = text;
	return 0;
}

int cmd_change(struct cli *cli, int argc, char **argv, cmd_change_fn change,
	       const void *arg, struct err *err)
{
	const char *name = NULL;
	_cleanup_(host_freep) struct host *host = NULL;
	if (cli_check_args(cli, argc, 1, 1, err) < 0 ||
	    cmd_name(argv[cli->next], &name, err) < 0 ||
	    cmd_open_host(cli, &host, err) < 0)
		return -1;
	_cleanup_close_ int lock = host_lock(host, err);
	return lock < 0 ? -1 : change(host, name, arg, err);
}
