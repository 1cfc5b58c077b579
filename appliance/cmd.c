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
