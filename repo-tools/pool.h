/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bringing .deb files into the pool. */
#ifndef WAYBILL_POOL_H
#define WAYBILL_POOL_H

#include "common/err.h"
#include "repo-tools/index.h"
#include "repo-tools/repo.h"

/* Copy `file` into the pool and record it in the index, unless the very same is
 * there. What is checked is our copy, so that a file that changes meanwhile does no
 * harm. Fills *out (destroy it).
 * tested: an image package must have passed its boot test (docs/spec/boot-test.md).
 * Errors: ERR_REFUSED (not tested), ERR_INPUT (no sound package, or one whose Image-* fields lie), ERR_EXISTS
 * (name, version and architecture are taken by other bytes), ERR_NOT_FOUND.
 * Crash-safety: the file is whole before its name is in the pool, and durable before
 * its row is committed (repo_sync()); a file without a row is gc's to remove. */
int pool_add(struct repo *repo, const char *file, bool tested, struct index_package *out,
	     struct err *err) _must_check_;

#endif
