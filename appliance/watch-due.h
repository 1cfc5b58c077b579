/* SPDX-License-Identifier: GPL-3.0-or-later */
/* var/lib/waybill/watch-due: when the next converge is due, for pkgmgrd and cron.
 * Format: docs/spec/instance.md */
#ifndef WAYBILL_WATCH_DUE_H
#define WAYBILL_WATCH_DUE_H

#include "appliance/host.h"

#define WATCH_DUE_FILE "var/lib/waybill/watch-due"

/* Write it from what all instances are in the middle of, or remove it. */
int watch_due_write(const struct host *host, struct err *err) _must_check_;

#endif
