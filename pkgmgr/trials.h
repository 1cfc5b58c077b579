/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What state.db knows of versions that were rolled back here, for planning: dpkg alone does
 * not say what runs. Format: docs/spec/state-db.md */
#ifndef PKGMGR_TRIALS_H
#define PKGMGR_TRIALS_H

#include <stdbool.h>

#include "common/state.h"
#include "common/strv.h"
#include "pkgmgr/plan.h"

/* "askom 1.4.0" for each version that was rolled back and is not forgiven. */
int trials_read_bad(struct state *state, struct strv *bad, struct err *err) _must_check_;

/* A sentence for each want whose installed version is not the one that runs. committed: the
 * plan's wanted versions are the installed ones by now. */
int trials_words(struct state *state, const struct plan *plan, bool committed,
		 struct strv *words, struct err *err) _must_check_;

/* The same, of what is installed now, as notes of the plan, unless it changes that version. */
int trials_note(struct state *state, struct plan *plan, struct err *err) _must_check_;

#endif
