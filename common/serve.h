/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small web server of static files: `imagerepo serve` to try things out, `pkgmgr serve`
 * for neighbours. Bounded in connections and time; the kernel keeps every path below the
 * directory (openat2). */
#ifndef WAYBILL_SERVE_H
#define WAYBILL_SERVE_H

#include <stdbool.h>

#include "common/err.h"
#include "common/strv.h"

struct serve {
	const char *dir;
	const char *address;	/* IPv4 */
	unsigned port;		/* 0: any free one */
	const char *user;	/* to become, once it listens; NULL: stay */
	unsigned of_address;	/* connections that one address may have; 0: all of them */
	const struct strv *networks;	/* who may connect, and nobody else; NULL: anybody */
	bool (*look)(void *arg);	/* or NULL: every few seconds; it may change `networks`,
					 * and false ends it all */
	void *arg;
};

/* Listen and serve until SIGINT, SIGTERM or look(). Says on standard output where, once it listens.
 * Errors: ERR_USAGE (no address), ERR_SYSTEM (the port is taken, no such user). */
int serve_directory(const struct serve *serve, struct err *err) _must_check_;

#endif
