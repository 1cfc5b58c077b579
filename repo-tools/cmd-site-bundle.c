/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <unistd.h>

#include "repo-tools/bundle.h"
#include "repo-tools/cmds.h"
#include "common/atomic-file.h"
#include "repo-tools/site.h"

enum { OPT_OUTPUT = 1 };

const struct cli_opt cmd_site_bundle_opts[] = {
	{ OPT_OUTPUT, "output", 'o', "FILE", "write to FILE (default standard output)" },
	{ 0 },
};

int cmd_site_bundle(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_strbuf_ struct strbuf tar = STRBUF_INIT;
	const char *file = NULL;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		file = cli->value;
	if (id < 0 || cli_check_args(cli, argc, 1, 1, err) < 0)
		return -1;
	const char *site = argv[cli->next];
	if (!file && isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE, "standard output is a terminal; use -o FILE");
	if (cmd_open_repo(cli, REPO_READ, &repo, err) < 0 || site_check(repo, site, err) < 0 ||
	    bundle_write(repo, site, &tar, err) < 0)
		return -1;
	return file ? atomic_file_write(file, tar.data, tar.len, 0644, err)
		    : write_all(STDOUT_FILENO, tar.data, tar.len, err);
}
