/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pkgmgr's rows of state.db: syncs, their actions, and which packages are ours.
 * Format: docs/spec/state-db.md */
#ifndef PKGMGR_RECORD_H
#define PKGMGR_RECORD_H

#include "common/state.h"
#include "common/strv.h"
#include "pkgmgr/plan.h"

struct sync_record {
	int64_t id;
	int64_t started_at;
	int64_t ended_at;	/* 0: still running, or killed */
	int exit_code;
	int64_t serial;		/* of the list in force at its end; 0: none */
	int64_t received_bytes;
	char *summary;		/* or NULL */
};

int record_start(struct state *state, int64_t now, int64_t *id, struct err *err) _must_check_;
int record_end(struct state *state, const struct sync_record *record, struct err *err)
	_must_check_;
int record_actions(struct state *state, int64_t sync_id, const struct plan *plan,
		   struct err *err) _must_check_;

/* Called for each of the last `limit` syncs, newest first; `record` is borrowed. */
typedef int (*record_fn)(const struct sync_record *record, void *arg, struct err *err);
int record_each_sync(struct state *state, int64_t limit, record_fn fn, void *arg,
		     struct err *err) _must_check_;
/* The actions of a sync as sentences, appended to *lines. */
int record_read_actions(struct state *state, int64_t sync_id, struct strv *lines,
			struct err *err) _must_check_;

/* Names of the packages that Waybill installed. */
int record_read_origins(struct state *state, struct strv *names, struct err *err) _must_check_;
/* Before dpkg runs: what this plan installs is ours, should we be killed. */
int record_intend(struct state *state, const struct plan *plan, int64_t now, struct err *err)
	_must_check_;
/* Forget what is not installed after all; `installed` is sorted or not. */
int record_settle(struct state *state, const struct strv *installed, struct err *err)
	_must_check_;

#endif
