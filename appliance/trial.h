/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a version that took over may stay: the policy alone, from what a round of checks
 * saw. Source: docs/spec/instance.md, "Trial". */
#ifndef WAYBILL_TRIAL_H
#define WAYBILL_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "appliance/health.h"
#include "appliance/instance.h"

/* A version that was well once is given up after so many bad rounds in a row. */
#define TRIAL_MAX_FAILURES 3

enum verdict {
	VERDICT_NONE,    /* nothing was asked */
	VERDICT_PENDING, /* not yet well, and still allowed to be so */
	VERDICT_WELL,
	VERDICT_SICK,
};

struct trial_moment {
	int64_t now;	    /* Unix seconds */
	int64_t started_at; /* of the domain, Unix seconds */
	bool ended_by_itself; /* the guest switched itself off or crashed */
	const char *panic;    /* the guest kernel's last words, or NULL */
};

/* What `round` means at this moment; `round` may be empty: an appliance without checks is
 * well as soon as it runs. Updates inst's health, health_reason, health_at and failures. */
enum verdict trial_judge(struct instance *inst, const struct health_round *round,
			 const struct trial_moment *moment);

/* Whether the watch of an instance in TRIAL_WATCH is over. */
bool trial_watch_is_over(const struct instance *inst, uint32_t watch_seconds, int64_t now);

/* When the next round is due, Unix seconds; INT64_MAX: no round is. */
int64_t trial_next_round(const struct instance *inst, const struct appliance_conf *conf,
			 int64_t now);

#endif
