/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/suite-opt.h"

#include "repo-tools/cmds.h"

enum { OPT_SUITE = 1 };

const struct cli_opt cmd_suite_opts[] = {
	{ OPT_SUITE, "suite", 0, "NAME", "only this suite" },
	{ 0 },
};

int suite_opt_parse(struct cli *cli, int argc, char **argv, int min, int max,
		    const char **suite, struct err *err)
{
	int id;
	*suite = NULL;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		*suite = cli->value;
	return id < 0 ? -1 : cli_check_args(cli, argc, min, max, err);
}

int suite_opt_default(const struct repo *repo, const char **suite, struct err *err)
{
	if (!*suite)
		*suite = repo->conf->suites.items[0];
	return repo_conf_check_suite(repo->conf, *suite, err);
}

int suite_opt_all(const struct repo *repo, const char *suite, struct strv *suites,
		  struct err *err)
{
	if (suite && suite_opt_default(repo, &suite, err) < 0)
		return -1;
	for (size_t i = 0; i < repo->conf->suites.count; i++)
		if (!suite || str_eq(suite, repo->conf->suites.items[i]))
			strv_add(suites, repo->conf->suites.items[i]);
	return 0;
}

int phase_parse(const char *text, uint64_t *percent, struct err *err)
{
	if (number_parse(text, 0, 100, percent, "the percentage of the sites", err) == 0)
		return 0;
	err->code = ERR_USAGE;
	return -1;
}
