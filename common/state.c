/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/state.h"

#include <stdarg.h>

#include "common/atomic-file.h"

enum { BUSY_TIMEOUT_MS = 30000 };

/* docs/spec/state-db.md; what brings a database of version i to i + 1. */
static const char *const state_schema[] = {
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE instance ("
	" name TEXT PRIMARY KEY, appliance TEXT NOT NULL, wanted_state TEXT NOT NULL,"
	" wanted_version TEXT, wanted_base TEXT, actual_version TEXT, actual_base TEXT,"
	" step TEXT, note TEXT, updated_at INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE base ("
	" sha256 TEXT PRIMARY KEY, appliance TEXT NOT NULL, version TEXT NOT NULL,"
	" size_bytes INTEGER NOT NULL, added_at INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE origin ("
	" package TEXT PRIMARY KEY, version TEXT NOT NULL, installed_at INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE sync ("
	" id INTEGER PRIMARY KEY, started_at INTEGER NOT NULL, ended_at INTEGER,"
	" exit_code INTEGER, serial INTEGER, received_bytes INTEGER, summary TEXT);"
	"CREATE TABLE action ("
	" sync_id INTEGER NOT NULL REFERENCES sync(id), package TEXT NOT NULL,"
	" verb TEXT NOT NULL, from_version TEXT, to_version TEXT);"
	"CREATE INDEX action_sync ON action(sync_id);",

	"ALTER TABLE instance ADD COLUMN unit TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE instance ADD COLUMN started_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE instance ADD COLUMN ports TEXT;"
	"ALTER TABLE instance ADD COLUMN good_version TEXT;"
	"ALTER TABLE instance ADD COLUMN good_base TEXT;"
	"ALTER TABLE instance ADD COLUMN good_unit TEXT;"
	"ALTER TABLE instance ADD COLUMN trial TEXT;"
	"ALTER TABLE instance ADD COLUMN trial_since INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE instance ADD COLUMN health TEXT;"
	"ALTER TABLE instance ADD COLUMN health_reason TEXT;"
	"ALTER TABLE instance ADD COLUMN health_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE instance ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;"
	"UPDATE instance SET unit = name, good_version = actual_version,"
	" good_base = actual_base, good_unit = name;"
	"CREATE TABLE bad_version ("
	" appliance TEXT NOT NULL, version TEXT NOT NULL, base TEXT NOT NULL,"
	" marked_at INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT,"
	" PRIMARY KEY (appliance, version, base)) WITHOUT ROWID;",
};

static int db_error(struct state *state, const char *what, struct err *err)
{
	int code = sqlite3_errcode(state->db) & 0xff;
	enum err_code kind = code == SQLITE_FULL   ? ERR_NO_SPACE
			     : code == SQLITE_BUSY ? ERR_BUSY
						   : ERR_INCONSISTENT;
	return err_set(err, kind, "%s: %s: %s", state->path, what, sqlite3_errmsg(state->db));
}

static int run_sql(struct state *state, const char *sql, struct err *err)
{
	if (sqlite3_exec(state->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_error(state, "cannot write", err);
	return 0;
}

static int read_version(struct state *state, int *version, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(state, &stmt, err, "", "PRAGMA user_version") < 0)
		return -1;
	if (state_step(state, stmt, err) < 0)
		return -1;
	*version = sqlite3_column_int(stmt, 0);
	return 0;
}

/* Under an immediate transaction, so that two first openers do not both create. */
static int migrate(struct state *state, const char *const *schema, int known, struct err *err)
{
	int version = 0;
	if (state_begin(state, err) < 0 || read_version(state, &version, err) < 0)
		return -1;
	_cleanup_free_ char *mark = xasprintf("PRAGMA user_version = %d", known);
	for (; version < known; version++)
		if (run_sql(state, schema[version], err) < 0) {
			state_rollback(state);
			return -1;
		}
	if (run_sql(state, mark, err) < 0) {
		state_rollback(state);
		return -1;
	}
	return state_commit(state, err);
}

static int ensure_schema(struct state *state, const char *const *schema, int known,
			 struct err *err)
{
	int version = 0;
	if (read_version(state, &version, err) < 0)
		return -1;
	if (version > known)
		return err_set(err, ERR_INCONSISTENT,
			       "%s has schema %d, this program knows %d; upgrade Waybill",
			       state->path, version, known);
	return version == known ? 0 : migrate(state, schema, known, err);
}

int state_open_file(const char *path, const char *const *schema, int version, struct state **out,
		    struct err *err)
{
	*out = NULL;
	_cleanup_(state_freep) struct state *state = xcalloc(1, sizeof(*state));
	state->path = xstrdup(path);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(state->path, &state->db, flags, NULL) != SQLITE_OK)
		return db_error(state, "cannot open", err);
	sqlite3_busy_timeout(state->db, BUSY_TIMEOUT_MS);
	if (run_sql(state, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON", err) < 0 ||
	    ensure_schema(state, schema, version, err) < 0)
		return -1;
	*out = steal(&state);
	return 0;
}

int state_open(const struct root *root, struct state **out, struct err *err)
{
	*out = NULL;
	_cleanup_free_ char *dir = root_path(root, "var/lib/waybill");
	_cleanup_free_ char *path = root_path(root, STATE_DB);
	if (make_dirs(dir, 0755, err) < 0)
		return -1;
	return state_open_file(path, state_schema, ARRAY_SIZE(state_schema), out, err);
}

void state_free(struct state *state)
{
	if (!state)
		return;
	sqlite3_close(state->db);
	free(state->path);
	free(state);
}

static int bind_all(struct state *state, sqlite3_stmt *stmt, const char *types, va_list ap,
		    struct err *err)
{
	for (int i = 0; types[i]; i++) {
		int code = SQLITE_MISUSE;
		if (types[i] == 's')
			code = sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1,
						 SQLITE_TRANSIENT);
		else if (types[i] == 'i')
			code = sqlite3_bind_int64(stmt, i + 1, va_arg(ap, int64_t));
		if (code != SQLITE_OK)
			return db_error(state, "cannot bind a value", err);
	}
	return 0;
}

static int vprepare(struct state *state, sqlite3_stmt **stmt, struct err *err, const char *types,
		    const char *sql, va_list ap)
{
	*stmt = NULL;
	if (sqlite3_prepare_v2(state->db, sql, -1, stmt, NULL) != SQLITE_OK)
		return db_error(state, "cannot query", err);
	if (bind_all(state, *stmt, types, ap, err) < 0) {
		sqlite3_finalize(*stmt);
		*stmt = NULL;
		return -1;
	}
	return 0;
}

int state_prepare(struct state *state, sqlite3_stmt **stmt, struct err *err, const char *types,
		  const char *sql, ...)
{
	va_list ap;
	va_start(ap, sql);
	int result = vprepare(state, stmt, err, types, sql, ap);
	va_end(ap);
	return result;
}

int state_step(struct state *state, sqlite3_stmt *stmt, struct err *err)
{
	int code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : db_error(state, "query failed", err);
}

int state_exec(struct state *state, struct err *err, const char *types, const char *sql, ...)
{
	va_list ap;
	va_start(ap, sql);
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	int result = vprepare(state, &stmt, err, types, sql, ap);
	va_end(ap);
	while (result >= 0) {
		int row = state_step(state, stmt, err);
		if (row <= 0)
			return row;
	}
	return result;
}

char *state_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	return text ? xstrdup(text) : NULL;
}

int state_begin(struct state *state, struct err *err)
{
	return run_sql(state, "BEGIN IMMEDIATE", err);
}

int state_commit(struct state *state, struct err *err)
{
	if (run_sql(state, "COMMIT", err) < 0) {
		state_rollback(state);
		return -1;
	}
	return 0;
}

void state_rollback(struct state *state)
{
	/* Fails only when no transaction is open, which is what we want. */
	sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
}

int state_get_meta(struct state *state, const char *key, char **value, struct err *err)
{
	*value = NULL;
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(state, &stmt, err, "s", "SELECT value FROM meta WHERE key = ?1", key) < 0)
		return -1;
	int row = state_step(state, stmt, err);
	if (row == 1)
		*value = state_text(stmt, 0);
	return row < 0 ? -1 : 0;
}

int state_set_meta(struct state *state, const char *key, const char *value, struct err *err)
{
	return state_exec(state, err, "ss",
			  "INSERT INTO meta (key, value) VALUES (?1, ?2)"
			  " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
			  key, value);
}
