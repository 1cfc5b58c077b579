/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may log in at the web page: a file as htpasswd -B writes it, "name:hash" a line.
 * Source: docs/spec/vncproxyd-conf.md, "Users" */
#ifndef WAYBILL_USERS_H
#define WAYBILL_USERS_H

#include <stdbool.h>

#include "common/err.h"
#include "remote/loop.h"

enum { USER_NAME_MAX = 64, PASSWORD_MAX = 72 /* what bcrypt looks at */ };

/* Letters, digits and . _ @ -; not empty. */
bool user_name_is_valid(const char *name);

/* A new hash of a password, to be freed. Errors: ERR_USAGE (empty, too long). */
int users_hash(const char *password, char **hash, struct err *err) _must_check_;

/* Set (or, with hash NULL, remove) a user in the file. Errors: ERR_NOT_FOUND (to be removed). */
int users_set(const char *path, const char *name, const char *hash, struct err *err) _must_check_;

/* The names in the file, each to on_name(). A missing file has none. */
int users_each(const char *path, void (*on_name)(void *arg, const char *name), void *arg,
	       struct err *err) _must_check_;

/* Check a password. That takes a quarter of a second of a processor, so that another process does it;
 * done() is told, and never from within this call. It takes as long for a name that is not there. */
struct password_check;
struct password_check *password_check_start(struct loop *loop, const char *path, const char *name,
					    const char *password,
					    void (*done)(void *arg, bool right), void *arg,
					    struct err *err);
/* done() is not called. NULL is well. */
void password_check_cancel(struct password_check **check);

#endif
