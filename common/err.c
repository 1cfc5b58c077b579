/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util.h"

static char *vformat(const char *fmt, va_list ap)
{
	char *text = NULL;
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	return text;
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	if (err->code != ERR_NONE)
		return -1;
	va_list ap;
	va_start(ap, fmt);
	err->code = code;
	err->sys_errno = 0;
	err->msg = vformat(fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int number = errno;
	if (err->code != ERR_NONE)
		return -1;
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *what = vformat(fmt, ap);
	va_end(ap);
	bool full = number == ENOSPC || number == EDQUOT;
	err->code = full ? ERR_NO_SPACE : ERR_SYSTEM;
	err->sys_errno = number;
	err->msg = xasprintf("%s: %s", what, strerror(number));
	return -1;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *context = vformat(fmt, ap);
	va_end(ap);
	char *msg = xasprintf("%s: %s", context, err->msg ? err->msg : "unknown error");
	free(err->msg);
	err->msg = msg;
	if (err->code == ERR_NONE)
		err->code = ERR_INCONSISTENT;
	return -1;
}

void err_clear(struct err *err)
{
	free(err->msg);
	*err = (struct err)ERR_INIT;
}

static const char *const names[] = {
	[ERR_NONE] = "none",
	[ERR_SYSTEM] = "system",
	[ERR_USAGE] = "usage",
	[ERR_INPUT] = "input",
	[ERR_TOO_LARGE] = "too-large",
	[ERR_NOT_FOUND] = "not-found",
	[ERR_EXISTS] = "exists",
	[ERR_SIGNATURE] = "signature",
	[ERR_EXPIRED] = "expired",
	[ERR_REFUSED] = "refused",
	[ERR_BUSY] = "busy",
	[ERR_TIMEOUT] = "timeout",
	[ERR_NO_SPACE] = "no-space",
	[ERR_PROGRAM] = "program",
	[ERR_NETWORK] = "network",
	[ERR_INCONSISTENT] = "state",
	[ERR_CANCELLED] = "cancelled",
};

const char *err_code_name(enum err_code code)
{
	return (size_t)code < ARRAY_SIZE(names) ? names[code] : "unknown";
}

enum exit_code err_exit_code(const struct err *err)
{
	switch (err->code) {
	case ERR_NONE:
		return EXIT_DONE;
	case ERR_USAGE:
		return EXIT_USAGE;
	case ERR_SIGNATURE:
	case ERR_EXPIRED:
	case ERR_REFUSED:
		return EXIT_REFUSED;
	default:
		return EXIT_FAILED;
	}
}
