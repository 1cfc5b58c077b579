/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connect to a host by name, or to a Unix socket, without waiting. */
#ifndef WAYBILL_DIAL_H
#define WAYBILL_DIAL_H

#include <stdint.h>

#include "common/err.h"
#include "remote/loop.h"

struct dial;

/* Connect to the addresses of `host` in turn, for timeout_ms in all; a host that begins with a
 * slash is the path of a Unix socket, which has no port. Then done() is called once, and
 * never from within this call: with a socket that it owns, or -1 and why not (ERR_TIMEOUT; ERR_NOT_FOUND:
 * no such name; ERR_NETWORK, with sys_errno). The dial is gone by then. */
struct dial *dial_start(struct loop *loop, const char *host, uint16_t port, int timeout_ms,
			void (*done)(void *arg, int fd, const struct err *why), void *arg);

/* Give up; done() is not called. NULL is well. */
void dial_cancel(struct dial **dial);

#endif
