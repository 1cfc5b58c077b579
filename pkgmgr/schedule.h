/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a site syncs: the schedule file, the nightly time, the back-off.
 * Source: docs/spec/schedule.md. Links nothing heavy: pkgmgrd lives on it. */
#ifndef WAYBILL_PKGMGR_SCHEDULE_H
#define WAYBILL_PKGMGR_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/day-window.h"
#include "common/err.h"
#include "common/root.h"

#define SCHEDULE_FILE "var/lib/waybill/schedule"

struct schedule {
	char *site;			/* "" while unknown */
	unsigned sync_minute;		/* of the day, local time */
	uint64_t splay_seconds;
	struct day_window reboot;
	uint64_t min_free_bytes;	/* 0: nobody watches */
	char *serve_to;			/* as in the list; NULL: it does not say */
};

/* The defaults of docs/spec/site-list.md. */
void schedule_init(struct schedule *schedule);
void schedule_destroy(struct schedule *schedule);

/* Read <root>/var/lib/waybill/schedule into an initialised schedule; without the
 * file it keeps its values. Errors: ERR_INPUT, ERR_TOO_LARGE, ERR_SYSTEM. */
int schedule_read(const struct root *root, struct schedule *schedule, struct err *err) _must_check_;
int schedule_write(const struct root *root, const struct schedule *schedule, struct err *err) _must_check_;

/* The site's place in a span of seconds, in [0, span); 0 for a span of 0. */
uint64_t schedule_offset(const char *site, uint64_t span_seconds);

/* The first nightly sync after `now`. Unix seconds. */
int64_t schedule_next(const struct schedule *schedule, int64_t now);

/* Seconds to wait after the n-th failure in a row (n >= 1). random_unit in
 * [0, 1) gives the jitter. `refused`: the last one ended with exit 3. */
uint64_t schedule_backoff(unsigned failures, bool refused, double random_unit);
/* The same after the n-th enrolment that let nobody in: an approval is not to be waited
 * for all night. */
uint64_t schedule_enrol_backoff(unsigned failures, double random_unit);

#endif
