/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/trials.h"

#include <json-c/json.h>

#include "common/instance-words.h"

int trials_read_bad(struct state *state, struct strv *bad, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(state, &stmt, err, "",
			  "SELECT DISTINCT appliance, version FROM bad_version") < 0)
		return -1;
	int row = 0;
	while ((row = state_step(state, stmt, err)) == 1)
		strv_addf(bad, "%s %s", (const char *)sqlite3_column_text(stmt, 0),
			  (const char *)sqlite3_column_text(stmt, 1));
	return row;
}

static void add_text(struct json_object *o, const char *member, const char *text)
{
	json_object_object_add(o, member, text ? json_object_new_string(text) : NULL);
}

static struct json_object *bad_of(sqlite3_stmt *stmt, const char *version)
{
	struct json_object *array = json_object_new_array();
	if (sqlite3_column_type(stmt, 2) == SQLITE_NULL)
		return array;
	struct json_object *bad = json_object_new_object();
	_cleanup_free_ char *at = time_format(sqlite3_column_int64(stmt, 1));
	add_text(bad, "version", version);
	add_text(bad, "marked_at", at);
	add_text(bad, "reason", (const char *)sqlite3_column_text(stmt, 2));
	json_object_array_add(array, bad);
	return array;
}

/* *words NULL: that version runs, or the package is no appliance of this site. */
static int words_of(struct state *state, const char *name, const char *installed, char **words,
		    struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	*words = NULL;
	if (state_prepare(state, &stmt, err, "ss",
			  "SELECT i.actual_version, b.marked_at, b.reason FROM instance i"
			  " LEFT JOIN bad_version b ON b.appliance = i.appliance AND b.version = ?2"
			  " WHERE i.name = ?1 AND i.actual_version <> ?2"
			  " ORDER BY b.marked_at DESC LIMIT 1", name, installed) < 0)
		return -1;
	int row = state_step(state, stmt, err);
	if (row <= 0)
		return row;
	struct json_object *o = json_object_new_object();
	add_text(o, "name", name);
	add_text(o, "installed", installed);
	add_text(o, "running_version", (const char *)sqlite3_column_text(stmt, 0));
	json_object_object_add(o, "bad_versions", bad_of(stmt, installed));
	*words = instance_words(o);
	json_object_put(o);
	return 0;
}

int trials_words(struct state *state, const struct plan *plan, bool committed,
		 struct strv *words, struct err *err)
{
	for (size_t i = 0; i < plan->want_count; i++) {
		const struct plan_want *want = &plan->wants[i];
		const char *installed = committed ? want->wanted_version : want->installed_version;
		_cleanup_free_ char *text = NULL;
		if (installed && words_of(state, want->package, installed, &text, err) < 0)
			return -1;
		if (text)
			strv_add(words, text);
	}
	return 0;
}

int trials_note(struct state *state, struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->want_count; i++) {
		const struct plan_want *want = &plan->wants[i];
		_cleanup_free_ char *text = NULL;
		if (!want->installed_version ||
		    !str_eq(want->installed_version, want->wanted_version))
			continue;
		if (words_of(state, want->package, want->installed_version, &text, err) < 0)
			return -1;
		if (text)
			strv_add(&plan->notes, text);
	}
	return 0;
}
