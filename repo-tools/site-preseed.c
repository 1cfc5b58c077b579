/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/site-preseed.h"

#include "common/atomic-file.h"
#include "common/pgp.h"
#include "common/utf8.h"
#include "repo-tools/site.h"

int site_preseed_set(const struct repo *repo, const char *site, const char *text, size_t len,
		     struct err *err)
{
	_cleanup_strbuf_ struct strbuf all = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf clear = STRBUF_INIT;
	_cleanup_free_ char *path = site_path(repo, site, "preseed");
	_cleanup_free_ char *printable = utf8_make_printable(text, len, "\n\t", len + 1);
	if (strlen(text) != len || !str_eq(printable, text))
		return err_set(err, ERR_INPUT, "a preseed is plain text in UTF-8, this is not");
	if (len && text[len - 1] != '\n')
		return err_set(err, ERR_INPUT, "the preseed's last line has no end; is it whole?");
	strbuf_addf(&all, "# waybill-preseed 1\n# Site: %s\n", site);
	strbuf_add(&all, text, len);
	if (pgp_clearsign(repo->conf->list_key, all.data, all.len, &clear, err) < 0)
		return err_prefix(err, "signing the preseed of %s", site);
	if (clear.len > SITE_PRESEED_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "the signed preseed is larger than 256 KiB");
	return atomic_file_write(path, clear.data, clear.len, 0600, err);
}

int site_preseed_read(const struct repo *repo, const char *site, char **text, size_t *len,
		      struct err *err)
{
	_cleanup_free_ char *path = site_path(repo, site, "preseed");
	*text = NULL;
	if (!file_exists(path))
		return err_set(err, ERR_NOT_FOUND,
			       "there is no preseed for %s; the operator gives it with 'imagerepo "
			       "site preseed'",
			       site);
	return file_read(path, SITE_PRESEED_MAX_BYTES, text, len, err);
}
