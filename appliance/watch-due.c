/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/watch-due.h"

#include <time.h>

#include "appliance/settings.h"
#include "appliance/trial.h"
#include "common/watch-due.h"

/* What waits for others is looked at again so often. */
enum { BLOCKED_INTERVAL_SECONDS = 10 };

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* INT64_MAX: nothing of this instance is due. Settings that cannot be read are its own
 * failure, which converge has recorded. */
static int64_t due_of(const struct host *host, const struct instance *inst, int64_t now)
{
	_cleanup_(settings_freep) struct settings *settings = NULL;
	_cleanup_err_ struct err broken = ERR_INIT;
	if (!inst->actual_version || inst->wanted_state != WANTED_RUNNING ||
	    settings_load(host, inst, inst->actual_version, &settings, &broken) < 0)
		return INT64_MAX;
	const struct appliance_conf *conf = settings->conf;
	if (inst->started_at == 0)
		return conf->start_after.count ? now + BLOCKED_INTERVAL_SECONDS : INT64_MAX;
	int64_t end = conf->time_limit_seconds
			      ? inst->started_at + (int64_t)conf->time_limit_seconds
			      : INT64_MAX;
	return earlier(end, trial_next_round(inst, conf, now));
}

int watch_due_write(const struct host *host, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	int64_t due = INT64_MAX, now = time(NULL);
	if (instance_names(host->state, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_(instance_freep) struct instance *inst = NULL;
		if (instance_load(host->state, names.items[i], &inst, err) < 0)
			return -1;
		due = earlier(due, due_of(host, inst, now));
	}
	return watch_due_set(&host->root, due == INT64_MAX ? 0 : due, err);
}
