/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of commands that make an enrolment token. */
#ifndef WAYBILL_TOKEN_OPT_H
#define WAYBILL_TOKEN_OPT_H

#include "common/cli.h"
#include "repo-tools/enrol-admin.h"

enum { OPT_TOKEN_BATCH = 100, OPT_TOKEN_EXPIRES, OPT_TOKEN_PENDING };

#define TOKEN_OPTS \
	{ OPT_TOKEN_BATCH, "batch", 0, "N", "a token for generic sticks, good for N machines" }, \
	{ OPT_TOKEN_EXPIRES, "expires", 0, "TIME", "it must be used before that (default 30d)" }, \
	{ OPT_TOKEN_PENDING, "pending", 0, NULL, "its machine waits for 'imagerepo site approve'" }

struct token_opt {
	uint64_t batch;		/* 0: not given */
	uint64_t expires_s;
	bool pending;
	bool given;		/* any of them */
};
#define TOKEN_OPT_INIT { 0, 30 * 86400, false, false }

/* An option of the table above. Errors: ERR_USAGE. */
int token_opt_take(struct token_opt *opt, int id, const char *value, struct err *err) _must_check_;

/* What they ask for, from now on; site NULL: a batch token. Errors: ERR_USAGE. */
int token_opt_spec(const struct token_opt *opt, const char *site, struct enrol_token_spec *spec,
		   struct err *err) _must_check_;

#endif
