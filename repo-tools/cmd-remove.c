/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/cmds.h"
#include "repo-tools/index.h"
#include "repo-tools/publish.h"
#include "repo-tools/suite-opt.h"

/* One NAME[=VERSION] of the command line, being taken out of one suite. */
struct removal {
	struct repo *repo;
	const char *suite;
	const char *version;	/* or NULL: all */
	int count;
	struct strbuf *said;	/* printed when it has happened */
};

static int remove_one(const struct index_package *package, void *arg, struct err *err)
{
	struct removal *r = arg;
	if (r->version && !str_eq(package->version, r->version))
		return 0;
	int left = index_leave(r->repo->index, r->suite, package->id, err);
	if (left > 0) {
		r->count++;
		strbuf_addf(r->said, "%s %s %s: removed from %s\n", package->name,
			    package->version, package->architecture, r->suite);
	}
	return left < 0 ? -1 : 0;
}

static int remove_word(struct repo *repo, const char *word, const struct strv *suites,
		       struct strv *changed, struct strbuf *said, struct err *err)
{
	const char *equals = strchr(word, '=');
	_cleanup_free_ char *name = equals ? xstrndup(word, (size_t)(equals - word))
					   : xstrdup(word);
	int total = 0;
	for (size_t i = 0; i < suites->count; i++) {
		struct removal r = { repo, suites->items[i], equals ? equals + 1 : NULL, 0,
				     said };
		if (index_each(repo->index, r.suite, NULL, name, remove_one, &r, err) < 0)
			return -1;
		if (r.count && !strv_contains(changed, r.suite))
			strv_add(changed, r.suite);
		total += r.count;
	}
	if (total)
		return 0;
	return err_set(err, ERR_NOT_FOUND, "%s is not published; see 'imagerepo list'", word);
}

static int remove_words(struct repo *repo, char **words, const struct strv *suites,
			struct strv *changed, struct strbuf *said, struct err *err)
{
	for (int i = 0; words[i]; i++)
		if (remove_word(repo, words[i], suites, changed, said, err) < 0)
			return -1;
	return 0;
}

int cmd_remove(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_strv_ struct strv suites = STRV_INIT;
	_cleanup_strv_ struct strv changed = STRV_INIT;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT;
	const char *suite = NULL;
	if (suite_opt_parse(cli, argc, argv, 1, -1, &suite, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 ||
	    suite_opt_all(repo, suite, &suites, err) < 0 || state_begin(repo->index, err) < 0)
		return -1;
	if (remove_words(repo, argv + cli->next, &suites, &changed, &said, err) < 0) {
		state_rollback(repo->index);
		return -1;
	}
	if (publish_suites(repo, &changed, err) < 0)
		return -1;
	fputs(said.data, stdout);
	return 0;
}
