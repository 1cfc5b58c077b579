/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/instances.h"

#include <json-c/json.h>

#include "common/log.h"
#include "common/strbuf.h"
#include "common/subproc.h"
#include "common/util.h"
#include "pkgmgr/plan.h"

enum { CONVERGE_TIMEOUT_MS = 3600 * 1000, LIST_TIMEOUT_MS = 60 * 1000 };

int instances_converge(const struct root *root, bool *reverted, struct err *err)
{
	const char *const argv[] = { "appliance", "converge", "--all", "--root", root->dir, NULL };
	struct subproc spec = { .argv = argv, .timeout_ms = CONVERGE_TIMEOUT_MS };
	int status = 0;
	*reverted = false;
	if (subproc_run(&spec, &status, err) == 0)
		return 0;
	if (err->code == ERR_PROGRAM && status == EXIT_REFUSED) {
		*reverted = true;
		err_clear(err);
		return 0;
	}
	if (err->code != ERR_NOT_FOUND)
		return err_prefix(err, "the packages are in place, but their VMs are not");
	log_debug("no VMs here: %s", err->msg);
	err_clear(err);
	return 0;
}

/* The array itself, or the member "instances" of an object; a new reference. */
static struct json_object *find_array(struct json_object *json)
{
	struct json_object *array = json;
	if (json_object_is_type(json, json_type_object) &&
	    !json_object_object_get_ex(json, "instances", &array))
		return NULL;
	return json_object_is_type(array, json_type_array) ? json_object_get(array) : NULL;
}

struct json_object *instances_list(const struct root *root)
{
	const char *const argv[] = { "appliance", "list", "--json", "--root", root->dir, NULL };
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	_cleanup_err_ struct err err = ERR_INIT;
	struct subproc spec = { .argv = argv,
				.output = &output,
				.quiet = true,
				.timeout_ms = LIST_TIMEOUT_MS };
	if (subproc_run(&spec, NULL, &err) < 0) {
		log_debug("no VMs to list: %s", err.msg);
		return json_object_new_array();
	}
	struct json_object *json = output.data ? json_tokener_parse(output.data) : NULL;
	struct json_object *array = find_array(json);
	json_object_put(json);
	if (!array)
		log_warn("'appliance list --json' printed no list of instances");
	return array ? array : json_object_new_array();
}

static const char *installed_of(const struct plan *plan, const char *package, bool committed)
{
	for (size_t i = 0; i < plan->want_count; i++)
		if (str_eq(plan->wants[i].package, package))
			return committed ? plan->wants[i].wanted_version
					 : plan->wants[i].installed_version;
	return NULL;
}

void instances_add_installed(struct json_object *instances, const struct plan *plan,
			     bool committed)
{
	for (size_t i = 0; plan && i < json_object_array_length(instances); i++) {
		struct json_object *one = json_object_array_get_idx(instances, i);
		const char *name = instance_text(one, "name");
		const char *installed = name ? installed_of(plan, name, committed) : NULL;
		if (installed)
			json_object_object_add(one, "installed",
					       json_object_new_string(installed));
	}
}

const char *instance_text(struct json_object *instance, const char *member)
{
	struct json_object *value = NULL;
	if (!json_object_object_get_ex(instance, member, &value))
		return NULL;
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}
