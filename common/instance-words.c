/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/instance-words.h"

#include <json-c/json.h>

#include "common/strbuf.h"
#include "common/util.h"

static const char *text_of(struct json_object *o, const char *member)
{
	struct json_object *value = NULL;
	if (!json_object_object_get_ex(o, member, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static struct json_object *bad_versions(struct json_object *instance)
{
	struct json_object *array = NULL;
	if (!json_object_object_get_ex(instance, "bad_versions", &array) ||
	    !json_object_is_type(array, json_type_array))
		return NULL;
	return array;
}

struct json_object *instance_bad_version(struct json_object *instance, const char *version)
{
	struct json_object *array = bad_versions(instance);
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *one = json_object_array_get_idx(array, i);
		const char *other = text_of(one, "version");
		if (other && str_eq(other, version))
			return one;
	}
	return NULL;
}

/* The newest that was rolled back and is newer than what runs. */
static struct json_object *newest_bad(struct json_object *instance, const char *running)
{
	struct json_object *array = bad_versions(instance), *best = NULL;
	const char *best_version = running;
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *one = json_object_array_get_idx(array, i);
		const char *version = text_of(one, "version");
		if (!version || version_compare(version, best_version) <= 0)
			continue;
		best = one;
		best_version = version;
	}
	return best;
}

static void add_bad(struct json_object *bad, struct strbuf *out)
{
	const char *version = text_of(bad, "version"), *at = text_of(bad, "marked_at");
	const char *reason = text_of(bad, "reason");
	strbuf_addf(out, ": %s was rolled back at %s: %s", version, at ? at : "?",
		    reason ? reason : "no reason is known");
}

static void add_versions(struct json_object *instance, const char *name, const char *running,
			 struct strbuf *out)
{
	const char *installed = text_of(instance, "installed");
	if (installed && str_eq(installed, running))
		return;
	struct json_object *bad = installed ? instance_bad_version(instance, installed)
					    : newest_bad(instance, running);
	if (installed)
		strbuf_addf(out, "%s %s is installed, %s runs", name, installed, running);
	else if (bad)
		strbuf_addf(out, "%s %s runs", name, running);
	if (bad)
		add_bad(bad, out);
}

char *instance_words(struct json_object *instance)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	const char *name = text_of(instance, "name");
	const char *running = text_of(instance, "running_version");
	const char *health = text_of(instance, "health");
	const char *reason = text_of(instance, "health_reason");
	if (!name || !running)
		return NULL;
	add_versions(instance, name, running, &out);
	if (health && str_eq(health, "unhealthy"))
		strbuf_addf(&out, "%s%s %s is not healthy: %s", out.len ? "; " : "", name, running,
			    reason ? reason : "no reason is known");
	return out.len ? strbuf_steal(&out) : NULL;
}
