/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/trial.h"

/* A sick instance that has no way back is looked at again so often. */
enum { SICK_INTERVAL_SECONDS = 60 };

static const struct health_result *first_failure(const struct health_round *round)
{
	for (size_t i = 0; i < round->count; i++)
		if (!round->results[i].ok)
			return &round->results[i];
	return NULL;
}

/* The first failed check that has had its time; only such a one counts against a guest. One
 * that was well since its start has had it. */
static const struct health_result *first_overdue(const struct instance *inst,
						 const struct health_round *round,
						 const struct trial_moment *moment)
{
	int64_t age = moment->now - moment->started_at;
	if (inst->trial == TRIAL_WATCH && moment->started_at <= inst->trial_since)
		return first_failure(round);
	for (size_t i = 0; i < round->count; i++)
		if (!round->results[i].ok &&
		    age >= round->results[i].check->deadline_seconds)
			return &round->results[i];
	return NULL;
}

static void set_health(struct instance *inst, enum health health, const char *reason,
		       int64_t now)
{
	inst->health = health;
	instance_set(&inst->health_reason, reason);
	inst->health_at = now;
	inst->failures = health == HEALTH_BAD ? inst->failures + 1 : 0;
}

static enum verdict judge_failure(struct instance *inst, const struct health_round *round,
				  const struct trial_moment *moment)
{
	const struct health_result *failed = first_failure(round);
	const struct health_result *overdue = first_overdue(inst, round, moment);
	if (moment->panic && inst->trial != TRIAL_WATCH) {
		set_health(inst, HEALTH_BAD, moment->panic, moment->now);
		return VERDICT_SICK;
	}
	_cleanup_free_ char *reason =
		moment->panic ? xasprintf("%s; %s", failed->text, moment->panic)
			      : xstrdup((overdue ? overdue : failed)->text);
	/* Still booting: no failure that counts. */
	int64_t failures = inst->failures;
	set_health(inst, HEALTH_BAD, reason, moment->now);
	if (!overdue) {
		inst->failures = failures;
		return VERDICT_PENDING;
	}
	if (inst->trial == TRIAL_WATCH && inst->failures < TRIAL_MAX_FAILURES)
		return VERDICT_PENDING;
	return VERDICT_SICK;
}

enum verdict trial_judge(struct instance *inst, const struct health_round *round,
			 const struct trial_moment *moment)
{
	if (moment->ended_by_itself) {
		set_health(inst, HEALTH_BAD,
			   moment->panic ? moment->panic : "the guest switched itself off",
			   moment->now);
		return VERDICT_SICK;
	}
	if (first_failure(round))
		return judge_failure(inst, round, moment);
	set_health(inst, round->count ? HEALTH_GOOD : HEALTH_UNKNOWN, NULL, moment->now);
	return VERDICT_WELL;
}

bool trial_watch_is_over(const struct instance *inst, uint32_t watch_seconds, int64_t now)
{
	/* A clock that was set back must not keep a watch open for years. */
	return now >= inst->trial_since + (int64_t)watch_seconds ||
	       now < inst->trial_since - 1;
}

int64_t trial_next_round(const struct instance *inst, const struct appliance_conf *conf,
			 int64_t now)
{
	if (inst->wanted_state != WANTED_RUNNING || conf->health_count == 0)
		return INT64_MAX;
	if (inst->trial == TRIAL_NONE || (!inst->good_version && inst->failures > 0))
		return inst->health == HEALTH_BAD ? now + SICK_INTERVAL_SECONDS : INT64_MAX;
	uint32_t interval = UINT32_MAX;
	for (size_t i = 0; i < conf->health_count; i++)
		if (conf->health[i].interval_seconds < interval)
			interval = conf->health[i].interval_seconds;
	int64_t next = now + interval;
	int64_t end = inst->trial_since + conf->watch_seconds;
	return inst->trial == TRIAL_WATCH && end > now && end < next ? end : next;
}
