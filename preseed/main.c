/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stddef.h>

#include "preseed/cmds.h"

static const struct cli_cmd cmds[] = {
	{ "build", "", "make the image of a stick that installs a site", cmd_build_opts,
	  cmd_build },
	{ "part", "", "print a site's part of the answers, for generic sticks", cmd_part_opts,
	  cmd_part },
	{ "check", "[IMAGE]", "check an image, or a site's file, with debconf's own tools",
	  cmd_check_opts, cmd_check },
	{ "write", "IMAGE DEVICE", "write an image to a stick, read it back and compare",
	  cmd_write_opts, cmd_write },
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
