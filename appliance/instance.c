/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/instance.h"

#include <time.h>

static const char *const state_names[] = {
	[WANTED_RUNNING] = "running",
	[WANTED_STOPPED] = "stopped",
	[WANTED_PAUSED] = "paused",
	[WANTED_REMOVED] = "removed",
};

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
	free(inst);
}

void instance_set(char **field, const char *value)
{
	char *copy = value ? xstrdup(value) : NULL;
	free(*field);
	*field = copy;
}

int instance_load(struct state *state, const char *name, struct instance **out,
		  struct err *err)
{
	*out = NULL;
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(state, &stmt, err, "s",
			  "SELECT appliance, wanted_state, wanted_version, wanted_base,"
			  " actual_version, actual_base, step, note, updated_at"
			  " FROM instance WHERE name = ?1",
			  name) < 0)
		return -1;
	int row = state_step(state, stmt, err);
	if (row < 0)
		return -1;
	if (row == 0)
		return err_set(
			err, ERR_NOT_FOUND,
			"there is no instance %.128s here; `appliance list` shows all",
			name);
	_cleanup_(instance_freep) struct instance *inst = instance_new(name);
	free(inst->appliance);
	inst->appliance = state_text(stmt, 0);
	_cleanup_free_ char *wanted = state_text(stmt, 1);
	inst->wanted_version = state_text(stmt, 2);
	inst->wanted_base = state_text(stmt, 3);
	inst->actual_version = state_text(stmt, 4);
	inst->actual_base = state_text(stmt, 5);
	inst->step = state_text(stmt, 6);
	inst->note = state_text(stmt, 7);
	inst->updated_at = sqlite3_column_int64(stmt, 8);
	if (wanted_state_parse(wanted, &inst->wanted_state, err) < 0) {
		err->code = ERR_STATE;
		return err_prefix(err, "%s: instance %s", state->path, name);
	}
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
	return state_exec(
		state, err, "sssssssssi",
		"INSERT OR REPLACE INTO instance (name, appliance, wanted_state,"
		" wanted_version, wanted_base, actual_version, actual_base, step, note,"
		" updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
		inst->name, inst->appliance, wanted_state_name(inst->wanted_state),
		inst->wanted_version, inst->wanted_base, inst->actual_version,
		inst->actual_base, inst->step, inst->note, inst->updated_at);
}

int instance_forget(struct state *state, const char *name, struct err *err)
{
	return state_exec(state, err, "s", "DELETE FROM instance WHERE name = ?1", name);
}
