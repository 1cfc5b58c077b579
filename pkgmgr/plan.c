/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/plan.h"

#include <json-c/json.h>

static const char *const verb_names[] = { "install", "upgrade", "downgrade", "remove" };

struct plan *plan_new(void)
{
	return xcalloc(1, sizeof(struct plan));
}

void plan_delta_destroy(struct plan_delta *delta)
{
	free(delta->sha256);
	strv_destroy(&delta->uris);
}

uint64_t plan_deltas_bytes(const struct plan_archive *archive)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < archive->delta_count; i++)
		sum += archive->deltas[i].size_bytes;
	return sum;
}

void plan_archive_destroy(struct plan_archive *archive)
{
	free(archive->sha256);
	free(archive->path);
	strv_destroy(&archive->uris);
	free(archive->control_sha256);
	free(archive->data_sha256);
	free(archive->rebuilt_sha256);
	for (size_t i = 0; i < archive->delta_count; i++)
		plan_delta_destroy(&archive->deltas[i]);
}

static void action_destroy(struct plan_action *a)
{
	free(a->package);
	free(a->from_version);
	free(a->to_version);
	plan_archive_destroy(&a->archive);
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->action_count; i++)
		action_destroy(&plan->actions[i]);
	for (size_t i = 0; i < plan->want_count; i++) {
		free(plan->wants[i].package);
		free(plan->wants[i].wanted_version);
		free(plan->wants[i].installed_version);
	}
	strv_destroy(&plan->notes);
	strv_destroy(&plan->delta_indexes);
	free(plan->actions);
	free(plan->wants);
	free(plan);
}

/* One more zeroed element; capacities are powers of two. */
static void *grow(void *items, size_t *count, size_t size)
{
	if ((*count & (*count - 1)) == 0)
		items = xrealloc(items, (*count ? *count * 2 : 1) * size);
	memset((char *)items + *count * size, 0, size);
	(*count)++;
	return items;
}

struct plan_action *plan_add_action(struct plan *plan)
{
	plan->actions = grow(plan->actions, &plan->action_count, sizeof(*plan->actions));
	return &plan->actions[plan->action_count - 1];
}

struct plan_want *plan_add_want(struct plan *plan)
{
	plan->wants = grow(plan->wants, &plan->want_count, sizeof(*plan->wants));
	return &plan->wants[plan->want_count - 1];
}

static int compare_actions(const void *a, const void *b)
{
	const struct plan_action *x = a, *y = b;
	return strcmp(x->package, y->package);
}

static int compare_wants(const void *a, const void *b)
{
	const struct plan_want *x = a, *y = b;
	return strcmp(x->package, y->package);
}

void plan_sort(struct plan *plan)
{
	if (plan->actions)
		qsort(plan->actions, plan->action_count, sizeof(*plan->actions),
		      compare_actions);
	if (plan->wants)
		qsort(plan->wants, plan->want_count, sizeof(*plan->wants), compare_wants);
}

size_t plan_count(const struct plan *plan, enum plan_verb verb)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->action_count; i++)
		count += plan->actions[i].verb == verb;
	return count;
}

uint64_t plan_fetch_bytes(const struct plan *plan)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < plan->action_count; i++)
		if (plan->actions[i].verb != PLAN_REMOVE && !plan->actions[i].archive.path)
			sum += plan->actions[i].archive.size_bytes;
	return sum;
}

uint64_t plan_installed_bytes(const struct plan *plan)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < plan->action_count; i++)
		sum += plan->actions[i].installed_bytes;
	return sum;
}

const char *plan_verb_name(enum plan_verb verb)
{
	return verb_names[verb];
}

char *plan_action_describe(const struct plan_action *a)
{
	const char *verb = verb_names[a->verb];
	if (a->verb == PLAN_INSTALL)
		return xasprintf("%s %s %s (%s)", verb, a->package, a->to_version, a->reason);
	if (a->verb == PLAN_REMOVE)
		return xasprintf("%s %s %s (%s)", verb, a->package, a->from_version, a->reason);
	return xasprintf("%s %s %s -> %s (%s)", verb, a->package, a->from_version, a->to_version,
			 a->reason);
}

char *plan_summary(const struct plan *plan)
{
	static const char *const done[] = { "installed", "upgraded", "downgraded", "removed" };
	_cleanup_strv_ struct strv parts = STRV_INIT;
	for (size_t verb = 0; verb < ARRAY_SIZE(done); verb++) {
		size_t count = plan_count(plan, (enum plan_verb)verb);
		if (count)
			strv_addf(&parts, "%zu %s", count, done[verb]);
	}
	return parts.count ? strv_join(&parts, ", ") : xstrdup("nothing to do");
}

static struct json_object *text_or_null(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static struct json_object *action_to_json(const struct plan_action *a)
{
	struct json_object *out = json_object_new_object();
	json_object_object_add(out, "verb", json_object_new_string(verb_names[a->verb]));
	json_object_object_add(out, "package", json_object_new_string(a->package));
	json_object_object_add(out, "from_version", text_or_null(a->from_version));
	json_object_object_add(out, "to_version", text_or_null(a->to_version));
	json_object_object_add(out, "reason", json_object_new_string(a->reason));
	json_object_object_add(out, "host", json_object_new_boolean(a->host));
	json_object_object_add(out, "fetch_bytes",
			       json_object_new_int64((int64_t)a->archive.size_bytes));
	return out;
}

struct json_object *plan_to_json(const struct plan *plan)
{
	struct json_object *out = json_object_new_object();
	struct json_object *actions = json_object_new_array();
	for (size_t i = 0; i < plan->action_count; i++)
		json_object_array_add(actions, action_to_json(&plan->actions[i]));
	struct json_object *notes = json_object_new_array();
	for (size_t i = 0; i < plan->notes.count; i++)
		json_object_array_add(notes, json_object_new_string(plan->notes.items[i]));
	json_object_object_add(out, "actions", actions);
	json_object_object_add(out, "notes", notes);
	return out;
}
