/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stddef.h>

#include "imagepkg/cmds.h"

static const struct cli_cmd cmds[] = {
	{ "build", "RECIPE", "Build an appliance from a recipe and package it", cmd_build_opts,
	  cmd_build },
	{ "wrap", "", "Package a disk image that exists already", cmd_wrap_opts, cmd_wrap },
	{ "inspect", "FILE", "Show what an image package or a delta holds", NULL, cmd_inspect },
	{ "boot-test", "FILE.deb", "Boot an image package and run its own health checks",
	  cmd_boot_test_opts, cmd_boot_test },
	{ "verify", "FILE.deb", "Check an image package through and through", NULL, cmd_verify },
	{ "delta", "OLD.deb NEW.deb", "Make the delta from one image package to another",
	  cmd_delta_opts, cmd_delta },
	{ "patch", "DELTA OLD", "Rebuild an image package from a delta and its predecessor",
	  cmd_patch_opts, cmd_patch },
	{ 0 },
};

static const struct cli_prog prog = {
	.name = "imagepkg",
	.summary = "Build virtual appliances and wrap them as Debian packages",
	.cmds = cmds,
};

int main(int argc, char **argv)
{
	return cli_main(&prog, NULL, argc, argv);
}
