/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/build.h"
#include "imagepkg/cmds.h"
#include "imagepkg/package.h"

enum { OPT_OUTPUT = 1 };

const struct cli_opt cmd_build_opts[] = {
	{ OPT_OUTPUT, "output", 'o', "DIR", "where the package goes (default .)" },
	{ 0 },
};

int cmd_build(struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *out_dir = ".";
	_cleanup_(recipe_freep) struct recipe *recipe = NULL;
	_cleanup_free_ char *path = NULL;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		out_dir = cli->value;
	if (id < 0 || cli_check_args(cli, argc, 1, 1, err) != 0 ||
	    output_dir_check(out_dir, err) != 0 ||
	    recipe_read(argv[cli->next], &recipe, err) != 0 ||
	    build_package(recipe, out_dir, &path, err) != 0)
		return -1;
	printf("%s\n", path);
	return 0;
}
