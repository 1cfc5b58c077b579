/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/instance.h"

#include <time.h>

static const char *const state_names[] = {
	[WANTED_RUNNING] = "running",
	[WANTED_STOPPED] = "stopped",
	[WANTED_PAUSED] = "paused",
	[WANTED_REMOVED] = "removed",
};

static const char *const trial_names[] = {
	[TRIAL_NONE] = "",
	[TRIAL_GATE] = "gate",
	[TRIAL_WATCH] = "watch",
	[TRIAL_REVERT] = "revert",
};

static const char *const health_names[] = {
	[HEALTH_UNKNOWN] = "unknown",
	[HEALTH_GOOD] = "healthy",
	[HEALTH_BAD] = "unhealthy",
};

const char *trial_name(enum trial trial)
{
	return trial_names[trial];
}

const char *health_name(enum health health)
{
	return health_names[health];
}

const char *wanted_state_name(enum wanted_state state)
{
	return state_names[state];
}

int wanted_state_parse(const char *text, enum wanted_state *out, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(state_names); i++)
		if (str_eq(text, state_names[i])) {
			*out = (enum wanted_state)i;
			return 0;
		}
	return err_set(err, ERR_USAGE,
		       "state '%.64s' is not one of running, stopped, paused, removed",
		       text);
}

struct instance *instance_new(const char *name)
{
	struct instance *inst = xcalloc(1, sizeof(*inst));
	inst->name = xstrdup(name);
	inst->appliance = xstrdup(name);
	inst->unit = xstrdup(name);
	return inst;
}

void instance_free(struct instance *inst)
{
	if (!inst)
		return;
	free(inst->name);
	free(inst->appliance);
	free(inst->wanted_version);
	free(inst->wanted_base);
	free(inst->actual_version);
	free(inst->actual_base);
	free(inst->step);
	free(inst->note);
	free(inst->unit);
	free(inst->ports);
	free(inst->good_version);
	free(inst->good_base);
	free(inst->good_unit);
	free(inst->health_reason);
	free(inst);
}

const char *instance_serving_unit(const struct instance *inst, const char **version)
{
	bool waits = inst->trial == TRIAL_GATE && inst->good_unit &&
		     !str_eq(inst->good_unit, inst->unit);
	*version = waits ? inst->good_version : inst->actual_version;
	return waits ? inst->good_unit : inst->unit;
}

void instance_set(char **field, const char *value)
{
	char *copy = value ? xstrdup(value) : NULL;
	free(*field);
	*field = copy;
}

/* A word of the table, or an error that says where it stands. */
static int read_word(sqlite3_stmt *stmt, int column, const char *const *words, size_t count,
		     int *out, struct err *err)
{
	_cleanup_free_ char *word = state_text(stmt, column);
	*out = 0;
	if (!word)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (str_eq(word, words[i])) {
			*out = (int)i;
			return 0;
		}
	return err_set(err, ERR_INCONSISTENT, "table instance, column %s: '%.64s' is not known",
		       sqlite3_column_name(stmt, column), word);
}

#define COLUMNS                                                                       \
	"name, appliance, wanted_state, wanted_version, wanted_base, actual_version," \
	" actual_base, step, note, updated_at, unit, ports, good_version, good_base," \
	" good_unit, trial, trial_since, health, health_reason, health_at, failures," \
	" started_at"

static int read_row(sqlite3_stmt *stmt, struct instance *inst, struct err *err)
{
	int wanted, trial, health;
	if (read_word(stmt, 2, state_names, ARRAY_SIZE(state_names), &wanted, err) < 0 ||
	    read_word(stmt, 15, trial_names, ARRAY_SIZE(trial_names), &trial, err) < 0 ||
	    read_word(stmt, 17, health_names, ARRAY_SIZE(health_names), &health, err) < 0)
		return -1;
	inst->name = state_text(stmt, 0);
	inst->appliance = state_text(stmt, 1);
	inst->wanted_state = (enum wanted_state)wanted;
	inst->wanted_version = state_text(stmt, 3);
	inst->wanted_base = state_text(stmt, 4);
	inst->actual_version = state_text(stmt, 5);
	inst->actual_base = state_text(stmt, 6);
	inst->step = state_text(stmt, 7);
	inst->note = state_text(stmt, 8);
	inst->updated_at = sqlite3_column_int64(stmt, 9);
	inst->unit = state_text(stmt, 10);
	inst->ports = state_text(stmt, 11);
	inst->good_version = state_text(stmt, 12);
	inst->good_base = state_text(stmt, 13);
	inst->good_unit = state_text(stmt, 14);
	inst->trial = (enum trial)trial;
	inst->trial_since = sqlite3_column_int64(stmt, 16);
	inst->health = (enum health)health;
	inst->health_reason = state_text(stmt, 18);
	inst->health_at = sqlite3_column_int64(stmt, 19);
	inst->failures = sqlite3_column_int64(stmt, 20);
	inst->started_at = sqlite3_column_int64(stmt, 21);
	return 0;
}

int instance_load(struct state *state, const char *name, struct instance **out,
		  struct err *err)
{
	*out = NULL;
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(state, &stmt, err, "s",
			  "SELECT " COLUMNS " FROM instance WHERE name = ?1", name) < 0)
		return -1;
	int row = state_step(state, stmt, err);
	if (row < 0)
		return -1;
	if (row == 0)
		return err_set(
			err, ERR_NOT_FOUND,
			"there is no instance %.128s here; `appliance list` shows all",
			name);
	_cleanup_(instance_freep) struct instance *inst = xcalloc(1, sizeof(*inst));
	if (read_row(stmt, inst, err) < 0)
		return err_prefix(err, "%s: instance %s", state->path, name);
	*out = steal(&inst);
	return 0;
}

int instance_names(struct state *state, struct strv *out, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(state, &stmt, err, "",
			  "SELECT name FROM instance ORDER BY name") < 0)
		return -1;
	int row;
	while ((row = state_step(state, stmt, err)) > 0) {
		_cleanup_free_ char *name = state_text(stmt, 0);
		strv_add(out, name);
	}
	return row;
}

int instance_save(struct state *state, struct instance *inst, struct err *err)
{
	inst->updated_at = time(NULL);
	const char *trial = inst->trial == TRIAL_NONE ? NULL : trial_names[inst->trial];
	const char *health = inst->health == HEALTH_UNKNOWN ? NULL : health_names[inst->health];
	return state_exec(
		state, err, "sssssssssissssssissiii",
		"INSERT OR REPLACE INTO instance (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
		" ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
		inst->name, inst->appliance, wanted_state_name(inst->wanted_state),
		inst->wanted_version, inst->wanted_base, inst->actual_version,
		inst->actual_base, inst->step, inst->note, inst->updated_at, inst->unit,
		inst->ports, inst->good_version, inst->good_base, inst->good_unit, trial,
		inst->trial_since, health, inst->health_reason, inst->health_at,
		inst->failures, inst->started_at);
}

int instance_forget(struct state *state, const char *name, struct err *err)
{
	return state_exec(state, err, "s", "DELETE FROM instance WHERE name = ?1", name);
}
