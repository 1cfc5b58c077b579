/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/signed-list.h"

#include "common/atomic-file.h"
#include "common/pgp.h"
#include "common/strbuf.h"

int signed_list_parse(const struct root *root, const char *text, size_t len,
		      struct site_list **out, struct err *err)
{
	*out = NULL;
	if (len == 0)
		return err_set(err, ERR_SIGNATURE, "it is empty");
	_cleanup_free_ char *keys = root_path(root, LIST_KEYS_PATH);
	const char *const key_files[] = { keys, NULL };
	_cleanup_strbuf_ struct strbuf inside = STRBUF_INIT;
	if (pgp_verify_clearsigned(key_files, text, len, &inside, NULL, err) < 0)
		return -1;
	return site_list_parse(inside.data ? inside.data : "", inside.len, out, err);
}

int signed_list_load(const struct root *root, struct site_list **out, struct err *err)
{
	*out = NULL;
	_cleanup_free_ char *path = root_path(root, LIST_PATH);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (!file_exists(path))
		return err_set(err, ERR_NOT_FOUND,
			       "this site has no list yet; 'pkgmgr sync' fetches one");
	if (file_read(path, SITE_LIST_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	if (signed_list_parse(root, text, len, out, err) < 0)
		return err_prefix(err, "%s", path);
	return 0;
}
