/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/token-opt.h"

#include <time.h>

enum { MAX_BATCH = 1000, MIN_EXPIRES_S = 60, MAX_EXPIRES_S = 366 * 86400 };

int token_opt_take(struct token_opt *opt, int id, const char *value, struct err *err)
{
	int result = 0;
	opt->given = true;
	if (id == OPT_TOKEN_BATCH)
		result = number_parse(value, 1, MAX_BATCH, &opt->batch, "--batch", err);
	else if (id == OPT_TOKEN_EXPIRES)
		result = duration_parse(value, &opt->expires_s, "--expires", err);
	else
		opt->pending = true;
	if (result == 0 && (opt->expires_s < MIN_EXPIRES_S || opt->expires_s > MAX_EXPIRES_S))
		result = err_set(err, ERR_USAGE, "--expires: from 60s to 366d");
	if (result < 0)
		err->code = ERR_USAGE;
	return result;
}

int token_opt_spec(const struct token_opt *opt, const char *site, struct enrol_token_spec *spec,
		   struct err *err)
{
	int64_t now = time(NULL);
	if (!site && !opt->batch)
		return err_set(err, ERR_USAGE, "say how many machines it is for: --batch N");
	if (!site && opt->pending)
		return err_set(err, ERR_USAGE,
			       "a batch token's machines wait for approval anyway, unless 'imagerepo "
			       "site hardware' knows them: leave out --pending");
	if (site && opt->batch)
		return err_set(err, ERR_USAGE, "a batch token is for no site: leave out one of them");
	*spec = (struct enrol_token_spec){
		.site = site,
		.uses = site ? 1 : opt->batch,
		.approved = site && !opt->pending,
		.made = now,
		.expires = now + (int64_t)opt->expires_s,
	};
	return 0;
}
