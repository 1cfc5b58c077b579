/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/cmds.h"
#include "repo-tools/gc.h"

enum { OPT_DRY_RUN = 1 };

const struct cli_opt cmd_gc_opts[] = {
	{ OPT_DRY_RUN, "dry-run", 'n', NULL, "only say what would be deleted" },
	{ 0 },
};

int cmd_gc(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	bool dry_run = false;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		dry_run = true;
	if (id < 0 || cli_check_args(cli, argc, 0, 0, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0)
		return -1;
	struct gc_result result = { 0 };
	if (gc_run(repo, dry_run, &result, err) < 0)
		return -1;
	_cleanup_free_ char *size = size_format(result.bytes);
	printf("%s %zu file%s, %s\n", dry_run ? "would delete" : "deleted", result.files,
	       result.files == 1 ? "" : "s", size);
	return 0;
}
