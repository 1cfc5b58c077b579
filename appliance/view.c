/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/view.h"

#include <time.h>

#include "appliance/bad-version.h"
#include "appliance/base-store.h"
#include "common/atomic-file.h"

/* A version whose files have gone, or a params file that is wrong, is no reason not to
 * show the rest. */
static void load_settings(struct host *host, struct view *view)
{
	const struct instance *inst = view->inst;
	const char *version =
		inst->actual_version ? inst->actual_version : inst->wanted_version;
	_cleanup_err_ struct err err = ERR_INIT;
	if (!version ||
	    settings_load(host, inst, version, &view->settings, &err) < 0)
		view->settings = NULL;
	view->ports =
		view->settings ? appliance_conf_ports(view->settings->conf) : xstrdup("");
}

static int load_domain(struct host *host, struct hypervisor *hv, struct view *view,
		       struct err *err)
{
	struct domain_facts facts;
	_cleanup_free_ char *domain = root_domain_name(&host->root, view->inst->unit);
	if (domain_look(hv, domain, &facts, err) < 0)
		return -1;
	view->state = domain_state_name(facts.state);
	bool up = facts.state == DOMAIN_RUNNING || facts.state == DOMAIN_PAUSED;
	if (up && facts.started_at > 0)
		view->uptime_seconds = time(NULL) - facts.started_at;
	return 0;
}

int view_load(struct host *host, struct hypervisor *hv, const char *name,
	      struct view **out, struct err *err)
{
	*out = NULL;
	_cleanup_(view_freep) struct view *view = xcalloc(1, sizeof(*view));
	view->state = "unknown";
	view->uptime_seconds = -1;
	if (instance_load(host->state, name, &view->inst, err) < 0 ||
	    bad_version_read(host->state, view->inst->appliance, &view->bad, &view->bad_count,
			     err) < 0)
		return -1;
	load_settings(host, view);
	if (hv && load_domain(host, hv, view, err) < 0)
		return -1;
	*out = steal(&view);
	return 0;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	instance_free(view->inst);
	settings_free(view->settings);
	for (size_t i = 0; i < view->bad_count; i++)
		bad_version_free(view->bad[i]);
	free(view->bad);
	free(view->ports);
	free(view);
}

static void add_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, value ? json_object_new_string(value) : NULL);
}

static void add_time(struct json_object *o, const char *key, int64_t when)
{
	_cleanup_free_ char *text = time_format(when);
	add_string(o, key, when ? text : NULL);
}

/* Of the version that runs, and of those that may not. */
static void add_trial(const struct view *view, struct json_object *o)
{
	const struct instance *inst = view->inst;
	struct json_object *bad = json_object_new_array();
	add_string(o, "good_version", inst->good_version);
	add_string(o, "trial", inst->trial == TRIAL_NONE ? NULL : trial_name(inst->trial));
	add_time(o, "trial_since", inst->trial == TRIAL_NONE ? 0 : inst->trial_since);
	add_string(o, "health",
		   inst->health == HEALTH_UNKNOWN ? NULL : health_name(inst->health));
	add_string(o, "health_reason", inst->health_reason);
	add_time(o, "health_at", inst->health_at);
	for (size_t i = 0; i < view->bad_count; i++) {
		struct json_object *one = json_object_new_object();
		add_string(one, "version", view->bad[i]->version);
		add_time(one, "marked_at", view->bad[i]->marked_at);
		add_string(one, "reason", view->bad[i]->reason);
		add_string(one, "detail", view->bad[i]->detail);
		json_object_array_add(bad, one);
	}
	json_object_object_add(o, "bad_versions", bad);
}

struct json_object *view_to_json(const struct view *view)
{
	const struct instance *inst = view->inst;
	struct json_object *o = json_object_new_object();
	add_string(o, "name", inst->name);
	add_string(o, "appliance", inst->appliance);
	add_string(o, "wanted_state", wanted_state_name(inst->wanted_state));
	add_string(o, "wanted_version", inst->wanted_version);
	add_string(o, "running_version", inst->actual_version);
	add_string(o, "state", view->state);
	add_string(o, "ports", view->ports);
	json_object_object_add(o, "uptime_seconds",
			       view->uptime_seconds < 0
				       ? NULL
				       : json_object_new_int64(view->uptime_seconds));
	add_string(o, "step", inst->step);
	add_string(o, "note", inst->note);
	add_trial(view, o);
	return o;
}

char *uptime_format(int64_t seconds)
{
	static const struct {
		int64_t seconds;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	if (seconds < 0)
		return xstrdup("-");
	for (size_t i = 0; i + 1 < ARRAY_SIZE(units); i++)
		if (seconds >= units[i].seconds)
			return xasprintf("%lld%c %lld%c",
					 (long long)(seconds / units[i].seconds),
					 units[i].letter,
					 (long long)(seconds % units[i].seconds /
						     units[i + 1].seconds),
					 units[i + 1].letter);
	return xasprintf("%llds", (long long)seconds);
}
