/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --suite, as remove and list have it, and its default. */
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

#endif
