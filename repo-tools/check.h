/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at the whole repository with a reader's eyes: every signature, every hash,
 * the indexes against the pool, the site lists against the operator's files. */
#ifndef WAYBILL_CHECK_H
#define WAYBILL_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"
#include "repo-tools/repo.h"

struct check_result {
	struct strv problems;	/* sentences; empty: all is well */
	size_t suites;
	size_t packages;
	size_t sites;
	uint64_t bytes;		/* of pool files that were hashed */
};

void check_result_destroy(struct check_result *result);

/* Goes on after a problem. -1 only if it could not look. */
int check_repository(struct repo *repo, struct check_result *result,
		     struct err *err) _must_check_;

#endif
