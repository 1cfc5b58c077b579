/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What our cmocka programs share: includes in the order that cmocka wants, and
 * assertions about struct err. */
#ifndef WAYBILL_TEST_LIB_H
#define WAYBILL_TEST_LIB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/util.h"

#define assert_ok(call)                                                       \
	do {                                                                  \
		struct err *e_ = &err;                                        \
		if ((call) < 0)                                               \
			fail_msg("%s: %s", #call, e_->msg ? e_->msg : "?");   \
	} while (0)

/* The call fails with this code, its message holds this text; err is cleared. */
#define assert_fails(call, expected, text)                                    \
	do {                                                                  \
		assert_true((call) < 0);                                      \
		assert_int_equal(err.code, expected);                         \
		if (!strstr(err.msg, text))                                   \
			fail_msg("'%s' lacks '%s'", err.msg, text);           \
		err_clear(&err);                                              \
	} while (0)

/* A fresh directory below TMPDIR; free the name. */
static inline char *test_tmpdir(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = xasprintf("%s/waybill-test-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(dir));
	return dir;
}

#endif
