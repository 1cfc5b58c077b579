/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors: what failed, on which object, why, and what to try; set once where
 * detected, given context on the way up, printed only by main. */
#ifndef WAYBILL_ERR_H
#define WAYBILL_ERR_H

#include <stdarg.h>

enum err_code {
	ERR_NONE = 0,
	ERR_SYSTEM,	/* a system call failed; sys_errno says how */
	ERR_USAGE,	/* the command line or configuration is wrong */
	ERR_INPUT,	/* a file or message is malformed */
	ERR_TOO_LARGE,	/* something from outside is above its bound */
	ERR_NOT_FOUND,
	ERR_EXISTS,	/* there already, and different */
	ERR_SIGNATURE,	/* not signed by a key that we trust, or altered since */
	ERR_EXPIRED,	/* right signature, wrong time or serial */
	ERR_REFUSED,	/* a guard said no; nothing was changed */
	ERR_BUSY,	/* somebody else holds the lock */
	ERR_TIMEOUT,
	ERR_NO_SPACE,
	ERR_PROGRAM,	/* a program that we ran failed */
	ERR_NETWORK,
	ERR_INCONSISTENT,	/* our own recorded state is inconsistent */
	ERR_CANCELLED,	/* a signal asked us to stop */
};

/* What a program exits with (docs/ARCHITECTURE.md, "Exit codes"). */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_REFUSED = 3,
};

/* Start with `struct err err = ERR_INIT;`. Every fallible function takes
 * `struct err *err` last, non-NULL, and has set it when it returns -1. */
struct err {
	enum err_code code;
	int sys_errno;	/* errno at the time, or 0 */
	char *msg;	/* owned; NULL while code is ERR_NONE */
};

#define ERR_INIT { ERR_NONE, 0, 0 }
#define _must_check_ __attribute__((warn_unused_result))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))

/* Record a failure and return -1, so that `return err_set(...)` reads well.
 * An error that is set already is kept: the first one is the cause. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) _printf_(3, 4);

/* Like err_set() with ERR_SYSTEM (ERR_NO_SPACE for ENOSPC and EDQUOT), and
 * ": strerror(errno)" appended. Reads errno on entry. */
int err_sys(struct err *err, const char *fmt, ...) _printf_(2, 3);

/* Put "context: " in front of the message. Returns -1 always. */
int err_prefix(struct err *err, const char *fmt, ...) _printf_(2, 3);

/* Forget the error; the struct can be used again. */
void err_clear(struct err *err);

/* A short, stable name ("signature", "too-large") for JSON and logs. Static. */
const char *err_code_name(enum err_code code);

/* 0, 1, 2 or 3 for what main returns. Signature, expiry and refusal are 3. */
enum exit_code err_exit_code(const struct err *err);

#endif
