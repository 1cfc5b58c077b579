/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One writer at a time: a queueing lock on a file. */
#ifndef WAYBILL_LOCK_H
#define WAYBILL_LOCK_H

#include "common/err.h"

/* Take an exclusive flock() on `path` (made if missing), waiting up to
 * timeout_ms (-1: for ever, 0: do not wait). After one second of waiting says
 * once who holds it. Returns a descriptor >= 0 to close, or -1 with ERR_BUSY. */
int lock_take(const char *path, int timeout_ms, struct err *err) _must_check_;

#endif
