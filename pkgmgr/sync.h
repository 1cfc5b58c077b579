/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One sync, from the lock to the report. Steps: docs/ARCHITECTURE.md, "One sync" */
#ifndef PKGMGR_SYNC_H
#define PKGMGR_SYNC_H

#include "common/site-list.h"
#include "pkgmgr/pkgmgr.h"
#include "pkgmgr/plan.h"

/* What came of it, also when it failed. */
struct sync {
	const struct pkgmgr *m;
	struct site_list *list;	/* NULL: none was accepted */
	struct plan *plan;	/* NULL: it did not come to a plan */
	struct fetch_policy policy; /* how it fetches */
	struct strv notes;	/* beside the plan's: what the operator should know */
	struct strv attention;	/* sentences about the host that stand until it is mended */
	uint64_t received_bytes;
	bool committed;
	bool unrepaired;	/* dpkg --configure -a failed; perhaps this sync mends it */
	bool untimely;		/* apt finds a Release of another time than the clock's */
	bool offline;		/* the gate did not answer: no use to report to it */
};

/* Errors: the reason why this sync did not do its work; what it had done until then
 * is in *sync. Recorded in state.db and reported either way. */
int sync_run(const struct pkgmgr *m, struct sync *sync, struct err *err) _must_check_;
void sync_destroy(struct sync *sync);

/* Plan the last good list against the indexes as they are; the guard's word is the
 * error, and *plan is set nevertheless. */
int sync_make_plan(const struct pkgmgr *m, const struct site_list *list, struct plan **plan,
		   struct err *err) _must_check_;

#endif
