/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is logged in at the web page: random tokens, in memory alone. */
#ifndef WAYBILL_LOGINS_H
#define WAYBILL_LOGINS_H

#include <stddef.h>
#include <stdint.h>

enum { LOGIN_TOKEN_LEN = 43 }; /* 256 bits in base64url */

struct logins;

struct logins *logins_new(void);
void logins_freep(struct logins **logins);

/* A new token for `user`, good until end_ms; beyond a bound the oldest goes. */
void logins_add(struct logins *logins, const char *user, int64_t end_ms,
		char token[LOGIN_TOKEN_LEN + 1]);
/* Whose token that is, borrowed until the next call that changes something, or NULL. */
const char *logins_find(const struct logins *logins, const char *token, int64_t now_ms);
void logins_remove(struct logins *logins, const char *token);

#endif
