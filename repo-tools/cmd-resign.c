/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/cmds.h"
#include "common/log.h"
#include "repo-tools/publish.h"
#include "repo-tools/site.h"

static void say_until(const char *what, const char *name, uint64_t valid_seconds)
{
	_cleanup_free_ char *until =
		time_format(time_now_reproducible() + (int64_t)valid_seconds);
	printf("%s %s: valid until %s\n", what, name, until);
}

/* All sites, also when one of them has an error in its files: one site must not
 * make the others' lists expire. */
static int resign_sites(const struct repo *repo, struct err *err)
{
	_cleanup_strv_ struct strv sites = STRV_INIT;
	size_t failed = 0;
	if (site_names(repo, &sites, err) < 0)
		return -1;
	for (size_t i = 0; i < sites.count; i++) {
		_cleanup_err_ struct err site_err = ERR_INIT;
		if (site_sign(repo, sites.items[i], NULL, &site_err) < 0) {
			log_error("%s", site_err.msg);
			failed++;
			continue;
		}
		say_until("site", sites.items[i], repo->conf->list_valid_seconds);
	}
	if (failed)
		return err_set(err, ERR_INPUT, "%zu of %zu site lists were not signed", failed,
			       sites.count);
	return 0;
}

int cmd_resign(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 ||
	    state_begin(repo->index, err) < 0 ||
	    publish_suites(repo, &repo->conf->suites, err) < 0)
		return -1;
	for (size_t i = 0; i < repo->conf->suites.count; i++)
		say_until("suite", repo->conf->suites.items[i],
			  repo->conf->release_valid_seconds);
	return resign_sites(repo, err);
}
