/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/cmds.h"
#include "common/log.h"
#include "repo-tools/pool.h"
#include "repo-tools/publish.h"
#include "repo-tools/suite-opt.h"

/* Files into the pool and the suite, in the transaction that publishes them. */
static int add_files(struct repo *repo, const char *suite, char **files, int *changed,
		     struct strbuf *said, struct err *err)
{
	for (int i = 0; files[i]; i++) {
		_cleanup_package_ struct index_package package;
		if (pool_add(repo, files[i], &package, err) < 0)
			return -1;
		int joined = index_join(repo->index, suite, package.id, err);
		if (joined < 0)
			return -1;
		*changed += joined;
		strbuf_addf(said, "%s %s %s: %s %s\n", package.name, package.version,
			    package.architecture, joined ? "published in" : "was already in",
			    suite);
	}
	return 0;
}

int cmd_add(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT;
	const char *suite = NULL;
	int changed = 0;
	if (suite_opt_parse(cli, argc, argv, 1, -1, &suite, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 ||
	    suite_opt_default(repo, &suite, err) < 0 || state_begin(repo->index, err) < 0)
		return -1;
	if (add_files(repo, suite, argv + cli->next, &changed, &said, err) < 0) {
		state_rollback(repo->index);
		return -1;
	}
	_cleanup_strv_ struct strv suites = STRV_INIT;
	strv_add(&suites, suite);
	if (!changed)
		state_rollback(repo->index);
	else if (publish_suites(repo, &suites, err) < 0)
		return -1;
	fputs(said.data, stdout);
	return 0;
}
