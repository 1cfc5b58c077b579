/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands share: --suite and its default, NAME[=VERSION], a percentage of the sites. */
#ifndef WAYBILL_SUITE_OPT_H
#define WAYBILL_SUITE_OPT_H

#include "common/cli.h"
#include "repo-tools/repo.h"

/* Parse a command line whose only option is --suite; *suite stays NULL without it.
 * min and max bound the other arguments (max -1: none). */
int suite_opt_parse(struct cli *cli, int argc, char **argv, int min, int max,
		    const char **suite, struct err *err) _must_check_;

/* *suite NULL becomes the first suite; else it must be one of the repository's. */
int suite_opt_default(const struct repo *repo, const char **suite, struct err *err) _must_check_;

/* The suites to act in: that one, or all of the repository. */
int suite_opt_all(const struct repo *repo, const char *suite, struct strv *suites,
		  struct err *err) _must_check_;

/* 0 to 100. Errors: ERR_USAGE. */
int phase_parse(const char *text, uint64_t *percent, struct err *err) _must_check_;

#endif
