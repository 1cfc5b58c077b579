/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stddef.h>

#include "preseed/cmds.h"

static const struct cli_cmd cmds[] = {
	{ "build", "", "make the image of a stick that installs a site", cmd_build_opts,
	  cmd_build },
	{ 0 },
};

static const struct cli_prog prog = {
	.name = "siteusb",
	.summary = "Make USB sticks that install sites without a question",
	.cmds = cmds,
};

int main(int argc, char **argv)
{
	return cli_main(&prog, NULL, argc, argv);
}
