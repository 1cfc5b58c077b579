/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deleting pool files that no suite uses: packages that were removed, and what killed
 * runs have left. Their names and hashes stay taken for ever. */
#ifndef WAYBILL_GC_H
#define WAYBILL_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "repo-tools/repo.h"

struct gc_result {
	size_t files;
	uint64_t bytes;
};

/* Prints each file that goes (or would go, with dry_run) on standard output. */
int gc_run(struct repo *repo, bool dry_run, struct gc_result *result,
	   struct err *err) _must_check_;

#endif
