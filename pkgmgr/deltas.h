/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packages made on the spot from what is installed and a delta. Nothing here can fail a sync:
 * what does not come about this way is fetched whole. */
#ifndef PKGMGR_DELTAS_H
#define PKGMGR_DELTAS_H

#include "common/fetch-policy.h"
#include "common/root.h"
#include "pkgmgr/plan.h"

/* Fetch the Deltas that verified Releases name, and choose deltas for the plan's upgrades.
 * Before fetch_prepare(), which keeps what the plan names. Errors: ERR_CANCELLED, ERR_SYSTEM. */
int deltas_plan(const struct root *root, const struct fetch_policy *policy, struct plan *plan,
		uint64_t *received_bytes, struct err *err) _must_check_;

/* Find what a sync before has rebuilt, proven and not installed. After fetch_prepare(). */
int deltas_find(const struct root *root, struct plan *plan, struct err *err) _must_check_;

/* Fetch the chosen deltas, compare each with the signed index before anything in it is read,
 * and rebuild the packages. One that came out right has its archive.path, and what the file
 * hashes to in archive.rebuilt_*: its control member and its data.tar are those that the signed
 * Packages names. For the others a sentence in notes says why not. Returns -1 only for a signal.
 * What was fetched stays until the plan is carried out: whatever ends this, nothing is fetched twice.
 * Errors: ERR_CANCELLED. */
int deltas_apply(const struct root *root, const struct fetch_policy *policy, struct plan *plan,
		 struct strv *notes, uint64_t *received_bytes, struct err *err) _must_check_;

#endif
