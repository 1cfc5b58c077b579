/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deltas between published versions of an image package: made by imagepkg, kept in the pool
 * beside the packages, listed in Deltas. Format: docs/spec/repository.md */
#ifndef WAYBILL_DELTAS_H
#define WAYBILL_DELTAS_H

#include "common/err.h"
#include "repo-tools/index.h"
#include "repo-tools/repo.h"

/* Make the deltas to `package` from the versions below it in the suite, the newest first, as
 * many as the repository's Deltas says, and record each that saves enough in the transaction
 * that is under way. A package that is no image, or an imagepkg that is not installed or finds
 * nothing alike, is no error: sites fetch the full package then. *made counts them; a line for
 * each is appended to `said`. Errors: ERR_SYSTEM, ERR_NO_SPACE, those of the index.
 * Crash-safety: as pool_add(): a delta without a row is gc's to remove. */
int deltas_make(struct repo *repo, const char *suite, const struct index_package *package,
		int *made, struct strbuf *said, struct err *err) _must_check_;

/* The stanzas of Deltas for one architecture of a suite, which both versions are in; empty if
 * there are none. */
int deltas_text(struct state *index, const char *suite, const char *architecture,
		struct strbuf *out, struct err *err) _must_check_;

/* Called for each delta that is recorded; -1 stops. path is below public/. */
typedef int (*delta_fn)(const char *path, const char *sha256, uint64_t size_bytes, void *arg,
			struct err *err);
/* useless: only those of which a package is in no suite any more; else all. */
int deltas_each(struct state *index, bool useless, delta_fn fn, void *arg,
		struct err *err) _must_check_;

/* Forget one. */
int deltas_drop(struct state *index, const char *path, struct err *err) _must_check_;

/* 1 if a delta with this path is recorded, 0 if not. */
int deltas_have(struct state *index, const char *path, struct err *err) _must_check_;

#endif
