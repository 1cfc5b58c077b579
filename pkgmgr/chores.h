/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pkgmgrd's third duty: a reboot in its window, room on the disk, and a server for neighbours.
 * Source: docs/spec/schedule.md, "Chores" */
#ifndef WAYBILL_PKGMGR_CHORES_H
#define WAYBILL_PKGMGR_CHORES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/root.h"
#include "pkgmgr/schedule.h"

/* One thing that is run when it is due, and not again before a while has passed. */
struct chore {
	pid_t pid;		/* 0: it does not run */
	int64_t not_before;	/* Unix seconds */
};

struct chores {
	const struct root *root;	/* borrowed */
	struct chore reboot, gc, serve;
	int64_t down_until;	/* a reboot was asked for: nothing is to begin before this */
};

/* Start what is due. busy: a sync or a converge runs. reboot_argv: how to reboot. */
void chores_run(struct chores *chores, const struct schedule *schedule, bool busy,
		const char *const *reboot_argv, int64_t now);

/* Start the server for neighbours, if there are any and it does not run; it ends by itself when
 * there are none. unit: of systemd's, or NULL. */
void chores_serve(struct chores *chores, const char *unit, int64_t now);

/* The server ends with us, unless it is a unit. */
void chores_end(const struct chores *chores);

/* Take note of those of them that have ended. */
void chores_reap(struct chores *chores, int64_t now);

/* A reboot is being asked for, or was a moment ago. */
bool chores_going_down(const struct chores *chores, int64_t now);

/* The clock was set: pauses by the old time mean nothing. */
void chores_clock_moved(struct chores *chores);

#endif
