/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/cmds.h"
#include "common/log.h"
#include "repo-tools/deltas.h"
#include "repo-tools/pool.h"
#include "repo-tools/publish.h"
#include "repo-tools/suite-opt.h"

enum { OPT_SUITE = 1, OPT_TESTED, OPT_PHASE };

const struct cli_opt cmd_add_opts[] = {
	{ OPT_SUITE, "suite", 0, "NAME", "publish in this suite (default: the first)" },
	{ OPT_TESTED, "tested", 0, NULL,
	  "only what passed 'imagepkg boot-test', as the .tested beside it says" },
	{ OPT_PHASE, "phase", 0, "PERCENT", "for so many percent of the sites; see 'phase'" },
	{ 0 },
};

struct request {
	const char *suite;
	bool tested;
	uint64_t percent;	/* of the sites */
	char **files;	/* NULL at its end */
};

/* What has come into the suite. */
struct added {
	struct index_package *packages;
	size_t count;
};

static void added_destroy(struct added *added)
{
	for (size_t i = 0; i < added->count; i++)
		index_package_destroy(&added->packages[i]);
	free(added->packages);
}

/* Files into the pool and the suite, in the transaction that publishes them. */
static int add_files(struct repo *repo, const struct request *request, struct added *added,
		     struct strbuf *said, struct err *err)
{
	bool tested = request->tested || repo->conf->require_tested;
	for (char **file = request->files; *file; file++) {
		_cleanup_package_ struct index_package package;
		if (pool_add(repo, *file, tested, &package, err) < 0)
			return -1;
		int joined = index_join(repo->index, request->suite, package.id, err);
		if (joined < 0 ||
		    (joined && index_set_phase(repo->index, request->suite, package.id,
					       (unsigned)request->percent, err) < 0))
			return -1;
		strbuf_addf(said, "%s %s %s: %s %s\n", package.name, package.version,
			    package.architecture, joined ? "published in" : "was already in",
			    request->suite);
		if (!joined)
			continue;
		added->packages = xrealloc(added->packages,
					   (added->count + 1) * sizeof(*added->packages));
		added->packages[added->count++] = package;
		memset(&package, 0, sizeof(package));
	}
	return 0;
}

/* After the packages are published: those who cannot wait fetch them whole. */
static int add_deltas(struct repo *repo, const char *suite, const struct added *added, struct err *err)
{
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT;
	_cleanup_strv_ struct strv suites = STRV_INIT;
	int made = 0;
	if (state_begin(repo->index, err) < 0)
		return -1;
	for (size_t i = 0; i < added->count; i++)
		if (deltas_make(repo, suite, &added->packages[i], &made, &said, err) < 0) {
			state_rollback(repo->index);
			return -1;
		}
	strv_add(&suites, suite);
	if (made == 0)
		state_rollback(repo->index);
	else if (publish_suites(repo, &suites, err) < 0)
		return -1;
	if (said.len)
		fputs(said.data, stdout);
	return 0;
}

static int parse_options(struct cli *cli, int argc, char **argv, struct request *request,
			 struct err *err)
{
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		if (id == OPT_SUITE)
			request->suite = cli->value;
		if (id == OPT_PHASE && phase_parse(cli->value, &request->percent, err) < 0)
			return -1;
		request->tested |= id == OPT_TESTED;
	}
	request->files = argv + cli->next;
	return id < 0 ? -1 : cli_check_args(cli, argc, 1, -1, err);
}

int cmd_add(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT;
	struct request request = { .percent = 100 };
	_cleanup_(added_destroy) struct added added = { 0 };
	if (parse_options(cli, argc, argv, &request, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 ||
	    suite_opt_default(repo, &request.suite, err) < 0 ||
	    state_begin(repo->index, err) < 0)
		return -1;
	if (add_files(repo, &request, &added, &said, err) < 0) {
		state_rollback(repo->index);
		return -1;
	}
	_cleanup_strv_ struct strv suites = STRV_INIT;
	strv_add(&suites, request.suite);
	if (added.count == 0)
		state_rollback(repo->index);
	else if (publish_suites(repo, &suites, err) < 0)
		return -1;
	fputs(said.data, stdout);
	fflush(stdout);
	return add_deltas(repo, request.suite, &added, err) < 0 ? err_prefix(err, "deltas") : 0;
}
