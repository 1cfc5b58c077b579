/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the next `appliance converge` is due: converge says so, pkgmgrd and cron act on
 * it. Format: docs/spec/schedule.md */
#ifndef WAYBILL_COMMON_WATCH_DUE_H
#define WAYBILL_COMMON_WATCH_DUE_H

#include <stdint.h>

#include "common/err.h"
#include "common/root.h"

#define WATCH_DUE_NAME "watch-due"
#define WATCH_DUE_FILE "var/lib/waybill/" WATCH_DUE_NAME

/* *due in Unix seconds; 0: nothing is due. Errors: ERR_INPUT, ERR_SYSTEM. */
int watch_due_read(const struct root *root, int64_t *due, struct err *err) _must_check_;

/* Replace it in one step; 0 removes it. */
int watch_due_set(const struct root *root, int64_t due, struct err *err) _must_check_;

#endif
