/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Publishing a suite: a directory that is complete and signed, then one rename.
 *
 * Crash-safety: (1) dists/.<suite>.<n+1> is written and synced while nobody reads it;
 * (2) the index commits that the suite's number is n+1, together with what is in it;
 * (3) the link dists/<suite> is renamed. Killed before (2), the old state is whole and
 * the directory is rubbish; killed after (2), the next run renames the link. */
#ifndef WAYBILL_PUBLISH_H
#define WAYBILL_PUBLISH_H

#include "common/err.h"
#include "common/strv.h"
#include "repo-tools/repo.h"

/* Publish `suites` as the index has them now. The caller has begun a transaction on
 * repo->index, and changed it or not; here it is committed, or rolled back on error.
 * Errors: ERR_SIGNATURE, ERR_NOT_FOUND (the key), ERR_SYSTEM, ERR_NO_SPACE. */
int publish_suites(struct repo *repo, const struct strv *suites, struct err *err) _must_check_;

/* Step 3 for every suite that a killed run has left behind, and away with leftovers in
 * tmp/ and dists/. For repo_open(). */
int publish_recover(struct repo *repo, struct err *err) _must_check_;

#endif
