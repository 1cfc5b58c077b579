/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A port of a machine, through the proxy, at two descriptors. */
#ifndef WAYBILL_CONNECT_H
#define WAYBILL_CONNECT_H

#include <stdint.h>

#include "common/err.h"
#include "remote/call.h"

struct connect_to {
	struct call_conf proxy; /* its tls is not set */
	const char *pin;	/* of the proxy, or NULL: */
	const char *roots;	/* authorities (PEM), or NULL: the system's */
	const char *user, *password;
	const char *machine;
	uint16_t port;
};

/* Connect, and carry standard input there and what comes back to standard output until both have ended.
 * Errors: ERR_REFUSED (wrong password, not allowed), ERR_NETWORK, ERR_TIMEOUT. */
int connect_run(const struct connect_to *to, struct err *err) _must_check_;

#endif
