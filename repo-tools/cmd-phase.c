/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/cmds.h"
#include "repo-tools/index.h"
#include "repo-tools/publish.h"
#include "repo-tools/suite-opt.h"

/* NAME[=VERSION] of the command line, in one suite. */
struct phasing {
	struct repo *repo;
	const char *suite;
	char *version;		/* the newest, if none was named */
	unsigned percent;
	int found, changed;
	struct strbuf *said;	/* printed when it has happened */
};

static int phase_one(const struct index_package *package, void *arg, struct err *err)
{
	struct phasing *p = arg;
	if (!p->version)
		p->version = xstrdup(package->version);	/* the highest comes first */
	if (!str_eq(package->version, p->version))
		return 0;
	int changed = index_set_phase(p->repo->index, p->suite, package->id, p->percent, err);
	if (changed < 0)
		return -1;
	p->found++;
	p->changed += changed;
	strbuf_addf(p->said, "%s %s %s: %s for ", package->name, package->version,
		    package->architecture, changed ? "now" : "already");
	if (p->percent == 100)
		strbuf_addf(p->said, "all sites, in %s\n", p->suite);
	else
		strbuf_addf(p->said, "%u %% of the sites, in %s\n", p->percent, p->suite);
	return 0;
}

/* `changed`: the suites that are to be published. */
static int phase_word(struct repo *repo, const char *word, unsigned percent,
		      const struct strv *suites, struct strv *changed, struct strbuf *said,
		      struct err *err)
{
	const char *equals = strchr(word, '=');
	_cleanup_free_ char *name = equals ? xstrndup(word, (size_t)(equals - word))
					   : xstrdup(word);
	int found = 0;
	for (size_t i = 0; i < suites->count; i++) {
		struct phasing p = { repo, suites->items[i], equals ? xstrdup(equals + 1) : NULL,
				     percent, 0, 0, said };
		int result = index_each(repo->index, p.suite, NULL, name, phase_one, &p, err);
		free(p.version);
		if (result < 0)
			return -1;
		if (p.changed)
			strv_add(changed, p.suite);
		found += p.found;
	}
	if (found)
		return 0;
	return err_set(err, ERR_NOT_FOUND, "%s is not published; see 'imagerepo list'", word);
}

int cmd_phase(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_strv_ struct strv suites = STRV_INIT;
	_cleanup_strv_ struct strv changed = STRV_INIT;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT;
	const char *suite = NULL;
	uint64_t percent = 0;
	if (suite_opt_parse(cli, argc, argv, 2, 2, &suite, err) < 0 ||
	    phase_parse(argv[cli->next + 1], &percent, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 ||
	    suite_opt_all(repo, suite, &suites, err) < 0 || state_begin(repo->index, err) < 0)
		return -1;
	if (phase_word(repo, argv[cli->next], (unsigned)percent, &suites, &changed, &said,
		       err) < 0) {
		state_rollback(repo->index);
		return -1;
	}
	if (changed.count == 0)
		state_rollback(repo->index);
	else if (publish_suites(repo, &changed, err) < 0)
		return -1;
	fputs(said.data, stdout);
	return 0;
}
