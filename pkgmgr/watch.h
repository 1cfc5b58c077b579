/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pkgmgrd's second duty: run `appliance converge --all` when converge asked for it, as
 * long as a new version is being watched. Source: docs/spec/schedule.md */
#ifndef WAYBILL_PKGMGR_WATCH_H
#define WAYBILL_PKGMGR_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/root.h"

struct watch {
	const struct root *root;
	int inotify;		/* readable when watch-due may have been written */
	pid_t pid;		/* of the converge that runs; 0: none */
	int64_t due_at;		/* Unix seconds; 0: nothing is due */
	int64_t not_before;	/* Unix seconds: the pause after the last converge */
	bool failed;		/* the last converge did */
	bool has_news;		/* it did, and the one before did not: set for our owner to clear */
};

/* root is borrowed. Makes var/lib/waybill where it is missing. */
int watch_init(struct watch *watch, const struct root *root, struct err *err) _must_check_;
void watch_destroy(struct watch *watch);

/* Read watch-due again, and forget what inotify told. */
void watch_look(struct watch *watch);

/* Start a converge if one is due. argv: what to run. */
void watch_run(struct watch *watch, const char *const *argv, int64_t now);

/* The converge ended with this wait status: a failed one is repeated a minute later. */
void watch_ended(struct watch *watch, int status, int64_t now);

/* The clock was set: what is due by the old time is due now. */
void watch_clock_moved(struct watch *watch, int64_t now);

/* When to call watch_run() next, Unix seconds; INT64_MAX: not before a look. */
int64_t watch_next(const struct watch *watch);

#endif
