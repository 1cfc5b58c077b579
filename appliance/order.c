/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/order.h"

#include "appliance/instance.h"
#include "appliance/settings.h"

void order_start_after(struct host *host, const char *name, struct strv *out)
{
	_cleanup_(instance_freep) struct instance *inst = NULL;
	_cleanup_(settings_freep) struct settings *settings = NULL;
	_cleanup_err_ struct err broken = ERR_INIT;
	if (instance_load(host->state, name, &inst, &broken) < 0 || !inst->wanted_version ||
	    settings_load(host, inst, inst->wanted_version, &settings, &broken) < 0)
		return;
	for (size_t i = 0; i < settings->conf->start_after.count; i++)
		strv_add(out, settings->conf->start_after.items[i]);
}

/* Depth first from `path`'s last name; each name is followed once. */
static int find_circle(struct host *host, struct strv *path, struct strv *seen,
		       struct err *err)
{
	const char *first = path->items[0];
	_cleanup_strv_ struct strv next = STRV_INIT;
	order_start_after(host, path->items[path->count - 1], &next);
	for (size_t i = 0; i < next.count; i++) {
		if (str_eq(next.items[i], first)) {
			_cleanup_free_ char *circle = strv_join(path, " after ");
			return err_set(err, ERR_INCONSISTENT,
				       "Start-After goes in a circle: %s after %s", circle,
				       first);
		}
		if (strv_contains(seen, next.items[i]))
			continue;
		strv_add(seen, next.items[i]);
		_cleanup_strv_ struct strv longer = STRV_INIT;
		for (size_t j = 0; j < path->count; j++)
			strv_add(&longer, path->items[j]);
		strv_add(&longer, next.items[i]);
		if (find_circle(host, &longer, seen, err) < 0)
			return -1;
	}
	return 0;
}

/* What is amiss with one that others wait for; NULL: nothing. Static text. */
static int look_at(struct host *host, struct hypervisor *hv, const char *name,
		   const char **amiss, struct err *err)
{
	_cleanup_(instance_freep) struct instance *inst = NULL;
	_cleanup_(settings_freep) struct settings *settings = NULL;
	_cleanup_err_ struct err why = ERR_INIT;
	*amiss = "is not here";
	if (instance_load(host->state, name, &inst, &why) < 0)
		return why.code == ERR_NOT_FOUND ? 0 : err_set(err, why.code, "%s", why.msg);
	_cleanup_free_ char *domain = root_domain_name(&host->root, inst->unit);
	struct domain_facts facts;
	if (domain_look(hv, domain, &facts, err) < 0)
		return -1;
	*amiss = "is not up";
	if (facts.state != DOMAIN_RUNNING || !inst->actual_version)
		return 0;
	*amiss = "cannot be read";
	if (settings_load(host, inst, inst->actual_version, &settings, &why) < 0)
		return 0;
	bool healthy = inst->health == HEALTH_GOOD && inst->health_at >= facts.started_at;
	*amiss = healthy || settings->conf->health_count == 0 ? NULL : "is not healthy yet";
	return 0;
}

int order_blocked(struct host *host, struct hypervisor *hv, const char *name,
		  const struct appliance_conf *conf, char **why, struct err *err)
{
	*why = NULL;
	if (conf->start_after.count == 0)
		return 0;
	_cleanup_strv_ struct strv path = STRV_INIT, seen = STRV_INIT;
	strv_add(&path, name);
	if (find_circle(host, &path, &seen, err) < 0)
		return -1;
	for (size_t i = 0; i < conf->start_after.count; i++) {
		const char *other = conf->start_after.items[i], *amiss;
		if (look_at(host, hv, other, &amiss, err) < 0)
			return -1;
		if (amiss) {
			*why = xasprintf("%s %s", other, amiss);
			return 0;
		}
	}
	return 0;
}
