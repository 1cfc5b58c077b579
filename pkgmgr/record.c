/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/record.h"

int record_start(struct state *state, int64_t now, int64_t *id, struct err *err)
{
	if (state_exec(state, err, "i", "INSERT INTO sync (started_at) VALUES (?1)", now) < 0)
		return -1;
	*id = sqlite3_last_insert_rowid(state->db);
	return 0;
}

int record_end(struct state *state, const struct sync_record *r, struct err *err)
{
	return state_exec(state, err, "iiiiis",
			  "UPDATE sync SET ended_at = ?2, exit_code = ?3, serial = ?4,"
			  " received_bytes = ?5, summary = ?6 WHERE id = ?1",
			  r->id, r->ended_at, (int64_t)r->exit_code, r->serial,
			  r->received_bytes, r->summary);
}

static int record_action(struct state *state, int64_t sync_id, const struct plan_action *a,
			 struct err *err)
{
	return state_exec(state, err, "issss",
			  "INSERT INTO action (sync_id, package, verb, from_version, to_version)"
			  " VALUES (?1, ?2, ?3, ?4, ?5)",
			  sync_id, a->package, plan_verb_name(a->verb), a->from_version,
			  a->to_version);
}

/* Runs `one` for each action within one transaction. */
static int for_actions(struct state *state, const struct plan *plan, int64_t arg,
		       int (*one)(struct state *, int64_t, const struct plan_action *,
				  struct err *),
		       struct err *err)
{
	if (state_begin(state, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->action_count; i++) {
		if (one(state, arg, &plan->actions[i], err) < 0) {
			state_rollback(state);
			return -1;
		}
	}
	return state_commit(state, err);
}

int record_actions(struct state *state, int64_t sync_id, const struct plan *plan,
		   struct err *err)
{
	return plan->action_count ? for_actions(state, plan, sync_id, record_action, err) : 0;
}

int record_each_sync(struct state *state, int64_t limit, record_fn fn, void *arg,
		     struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(state, &stmt, err, "i",
			  "SELECT id, started_at, ended_at, exit_code, serial, received_bytes,"
			  " summary FROM sync ORDER BY id DESC LIMIT ?1", limit) < 0)
		return -1;
	int row = 0;
	while ((row = state_step(state, stmt, err)) == 1) {
		_cleanup_free_ char *summary = state_text(stmt, 6);
		struct sync_record record = {
			.id = sqlite3_column_int64(stmt, 0),
			.started_at = sqlite3_column_int64(stmt, 1),
			.ended_at = sqlite3_column_int64(stmt, 2),
			.exit_code = sqlite3_column_int(stmt, 3),
			.serial = sqlite3_column_int64(stmt, 4),
			.received_bytes = sqlite3_column_int64(stmt, 5),
			.summary = summary,
		};
		if (fn(&record, arg, err) < 0)
			return -1;
	}
	return row;
}

int record_read_actions(struct state *state, int64_t sync_id, struct strv *lines,
			struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(state, &stmt, err, "i",
			  "SELECT verb, package, from_version, to_version FROM action"
			  " WHERE sync_id = ?1 ORDER BY package", sync_id) < 0)
		return -1;
	int row = 0;
	while ((row = state_step(state, stmt, err)) == 1) {
		_cleanup_free_ char *verb = state_text(stmt, 0);
		_cleanup_free_ char *package = state_text(stmt, 1);
		_cleanup_free_ char *from = state_text(stmt, 2);
		_cleanup_free_ char *to = state_text(stmt, 3);
		strv_addf(lines, "%s %s %s%s%s", verb, package, from ? from : "",
			  from && to ? " -> " : "", to ? to : "");
	}
	return row;
}

int record_read_origins(struct state *state, struct strv *names, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(state, &stmt, err, "", "SELECT package FROM origin") < 0)
		return -1;
	int row = 0;
	while ((row = state_step(state, stmt, err)) == 1) {
		_cleanup_free_ char *name = state_text(stmt, 0);
		strv_add(names, name);
	}
	return row;
}

static int intend_action(struct state *state, int64_t now, const struct plan_action *a,
			 struct err *err)
{
	if (a->verb == PLAN_REMOVE || !a->ours)
		return 0;
	return state_exec(state, err, "ssi",
			  "INSERT INTO origin (package, version, installed_at)"
			  " VALUES (?1, ?2, ?3) ON CONFLICT (package) DO UPDATE"
			  " SET version = excluded.version, installed_at = excluded.installed_at",
			  a->package, a->to_version, now);
}

int record_intend(struct state *state, const struct plan *plan, int64_t now, struct err *err)
{
	return for_actions(state, plan, now, intend_action, err);
}

int record_settle(struct state *state, const struct strv *installed, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (record_read_origins(state, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_free_ char *bare =
			xstrndup(names.items[i], strcspn(names.items[i], ":"));
		if (!strv_contains(installed, bare) &&
		    state_exec(state, err, "s", "DELETE FROM origin WHERE package = ?1",
			       names.items[i]) < 0)
			return -1;
	}
	return 0;
}
