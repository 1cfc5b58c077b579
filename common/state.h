/* SPDX-License-Identifier: GPL-3.0-or-later */
/* state.db: what a site wants, runs and has done. Opens it and keeps its schema;
 * each component has its own queries. Format: docs/spec/state-db.md */
#ifndef WAYBILL_STATE_H
#define WAYBILL_STATE_H

#include <sqlite3.h>
#include <stdint.h>

#include "common/err.h"
#include "common/root.h"
#include "common/util.h"

#define STATE_DB "var/lib/waybill/state.db"

struct state {
	sqlite3 *db;
	char *path;
};

/* Open <root>/var/lib/waybill/state.db, make it and its schema if missing, wait
 * for other writers up to 30 s. A database of a newer schema is ERR_INCONSISTENT. */
int state_open(const struct root *root, struct state **out, struct err *err) _must_check_;
/* The same for another SQLite file of ours (the repository's index.db): schema[i] brings
 * a file of version i to i + 1, `version` is how many there are, and PRAGMA user_version. */
int state_open_file(const char *path, const char *const *schema, int version, struct state **out,
		    struct err *err) _must_check_;
void state_free(struct state *state);
DEFINE_FREEP(struct state, state_free)

/* A prepared statement with its text parameters and integers bound:
 * format letters: s text (NULL allowed), i int64_t.
 *   state_prepare(state, &stmt, err, "si", "SELECT ... WHERE a=?1 AND b=?2", name, n) */
int state_prepare(struct state *state, sqlite3_stmt **stmt, struct err *err, const char *types,
		  const char *sql, ...) _must_check_;
/* 1: a row is there, 0: done, -1: error. */
int state_step(struct state *state, sqlite3_stmt *stmt, struct err *err) _must_check_;
/* Prepare, bind, run to the end, finalize. */
int state_exec(struct state *state, struct err *err, const char *types, const char *sql, ...) _must_check_;
/* A column as an owned string, or NULL. */
char *state_text(sqlite3_stmt *stmt, int column);
static inline void state_stmt_freep(sqlite3_stmt **s) { sqlite3_finalize(*s); }

int state_begin(struct state *state, struct err *err) _must_check_;
int state_commit(struct state *state, struct err *err) _must_check_;
void state_rollback(struct state *state);

/* Small named values: "site-serial". NULL if not there; free the result. */
int state_get_meta(struct state *state, const char *key, char **value, struct err *err) _must_check_;
int state_set_meta(struct state *state, const char *key, const char *value, struct err *err) _must_check_;

#endif
