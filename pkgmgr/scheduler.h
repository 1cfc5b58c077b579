/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop of pkgmgrd, and how to ask it something. Source: docs/spec/schedule.md */
#ifndef WAYBILL_PKGMGR_SCHEDULER_H
#define WAYBILL_PKGMGR_SCHEDULER_H

#include "common/err.h"
#include "common/root.h"

/* Schedule and run syncs of `root` until SIGTERM or SIGINT; 0 then. A sync that
 * runs at that time goes on by itself. Only one scheduler a root: ERR_BUSY. */
int scheduler_run(const struct root *root, struct err *err) _must_check_;

/* Send one request line; *answer is its line without the newline, to free.
 * Errors: ERR_NOT_FOUND (no pkgmgrd runs), ERR_TIMEOUT, ERR_SYSTEM. */
int scheduler_ask(const struct root *root, const char *request, char **answer,
		  struct err *err) _must_check_;

#endif
