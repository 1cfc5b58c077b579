/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A web server for public/, to try things out without setting up a real one. Static
 * files only; the kernel keeps every path below the directory (openat2). */
#ifndef WAYBILL_SERVE_H
#define WAYBILL_SERVE_H

#include "common/err.h"

/* Listen on address:port (0: any free one) and serve `dir` until SIGINT or SIGTERM.
 * Says on standard output where, once it listens. Errors: ERR_USAGE (no address),
 * ERR_SYSTEM (the port is taken). */
int serve_directory(const char *dir, const char *address, unsigned port,
		    struct err *err) _must_check_;

#endif
