/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A clock that may be years off: what it cannot be before, and the gate's, by which it is
 * set. Source: docs/spec/enrolment.md, "The clock" */
#ifndef PKGMGR_CLOCK_H
#define PKGMGR_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/strv.h"
#include "pkgmgr/pkgmgr.h"

/* Remember that it cannot be earlier than this. Unix seconds. */
int clock_keep_floor(const struct pkgmgr *m, int64_t not_before, struct err *err) _must_check_;

/* The latest of what is known: the enrolment's Not-Before, the last good list's Date, the
 * date of this build. */
int clock_floor(const struct pkgmgr *m, int64_t *floor, struct err *err) _must_check_;

/* The time to judge signed dates by: the clock's, but never before the floor. */
int clock_now(const struct pkgmgr *m, int64_t *now, struct err *err) _must_check_;

/* Whether the clock stands before the floor. */
int clock_is_impossible(const struct pkgmgr *m, bool *impossible, struct err *err) _must_check_;

/* Ask the gate for the time. If the clock is wrong by more than five minutes and the answer is
 * not before the floor, set it (Set-Clock) and *stepped; *notes gets a sentence for the
 * operator whenever it is wrong. Errors: ERR_NETWORK, ERR_INPUT. */
int clock_correct(const struct pkgmgr *m, struct strv *notes, bool *stepped,
		  struct err *err) _must_check_;

/* "3 years", "2 days", "7 minutes"; free it. */
char *clock_span(int64_t seconds);

#endif
