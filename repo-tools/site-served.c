/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether what is served to a site is what the operator's files say. */
#include "repo-tools/site.h"

#include "common/hash.h"
#include "repo-tools/site-param.h"

static int check_params(const struct repo *repo, const char *site, const struct site_list *served,
			struct err *err)
{
	for (size_t i = 0; i < served->param_count; i++) {
		char sha256[SHA256_HEX_LEN + 1];
		_cleanup_free_ char *path = site_path(repo, site, "out/params/%s",
						      served->params[i].appliance);
		if (sha256_file(path, sha256, NULL, err) < 0)
			return -1;
		if (!str_eq(sha256, served->params[i].sha256))
			return err_set(err, ERR_INPUT, "%s is not what site.list says; run "
				       "'imagerepo resign'", path);
	}
	return 0;
}

int site_check_served(const struct repo *repo, const char *site, const struct site_list *served,
		      struct err *err)
{
	_cleanup_(site_list_freep) struct site_list *input = NULL;
	_cleanup_strbuf_ struct strbuf now = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf then = STRBUF_INIT;
	if (check_params(repo, site, served, err) < 0 ||
	    site_read_input(repo, site, &input, err) < 0 ||
	    site_param_list(repo, site, NULL, input, err) < 0)
		return -1;
	/* What signing adds does not count. */
	input->serial = served->serial;
	input->date = served->date;
	input->valid_until = served->valid_until;
	site_list_format(input, &now);
	site_list_format(served, &then);
	if (str_eq(now.data, then.data))
		return 0;
	return err_set(err, ERR_INCONSISTENT,
		       "site %s: its files were edited and are not signed yet; run 'imagerepo "
		       "resign'",
		       site);
}
