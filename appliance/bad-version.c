/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/bad-version.h"

#include <time.h>

int bad_version_mark(struct state *state, const char *appliance, const char *version,
		     const char *base, const char *reason, const char *detail,
		     struct err *err)
{
	return state_exec(state, err, "sssiss",
			  "INSERT OR REPLACE INTO bad_version (appliance, version, base,"
			  " marked_at, reason, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
			  appliance, version, base, (int64_t)time(NULL), reason, detail);
}

static struct bad_version *read_row(sqlite3_stmt *stmt)
{
	struct bad_version *bad = xcalloc(1, sizeof(*bad));
	bad->version = state_text(stmt, 0);
	bad->marked_at = sqlite3_column_int64(stmt, 1);
	bad->reason = state_text(stmt, 2);
	bad->detail = state_text(stmt, 3);
	return bad;
}

int bad_version_find(struct state *state, const char *appliance, const char *version,
		     const char *base, struct bad_version **out, struct err *err)
{
	*out = NULL;
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(state, &stmt, err, "sss",
			  "SELECT version, marked_at, reason, detail FROM bad_version"
			  " WHERE appliance = ?1 AND version = ?2 AND base = ?3",
			  appliance, version, base) < 0)
		return -1;
	int row = state_step(state, stmt, err);
	if (row <= 0)
		return row;
	*out = read_row(stmt);
	return 0;
}

int bad_version_read(struct state *state, const char *appliance, struct bad_version ***out,
		     size_t *count, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	*out = NULL;
	*count = 0;
	if (state_prepare(state, &stmt, err, "s",
			  "SELECT version, marked_at, reason, detail FROM bad_version"
			  " WHERE appliance = ?1 ORDER BY marked_at DESC, version",
			  appliance) < 0)
		return -1;
	int row;
	while ((row = state_step(state, stmt, err)) > 0) {
		*out = xrealloc(*out, (*count + 1) * sizeof(**out));
		(*out)[(*count)++] = read_row(stmt);
	}
	return row;
}

void bad_version_free(struct bad_version *bad)
{
	if (!bad)
		return;
	free(bad->version);
	free(bad->reason);
	free(bad->detail);
	free(bad);
}

int bad_version_list(struct state *state, const char *appliance, struct strv *out,
		     struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(state, &stmt, err, "s",
			  "SELECT DISTINCT version FROM bad_version WHERE appliance = ?1",
			  appliance) < 0)
		return -1;
	int row;
	while ((row = state_step(state, stmt, err)) > 0)
		strv_add(out, (const char *)sqlite3_column_text(stmt, 0));
	return row;
}

int bad_version_clear(struct state *state, const char *appliance, const char *version,
		      struct err *err)
{
	return state_exec(state, err, "ss",
			  "DELETE FROM bad_version WHERE appliance = ?1 AND version = ?2",
			  appliance, version);
}
