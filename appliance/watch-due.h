/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the next converge is due, for pkgmgrd and cron. */
#ifndef WAYBILL_WATCH_DUE_H
#define WAYBILL_WATCH_DUE_H

#include "appliance/host.h"

/* Write var/lib/waybill/watch-due from what all instances are in the middle of, or remove it. */
int watch_due_write(const struct host *host, struct err *err) _must_check_;

#endif
