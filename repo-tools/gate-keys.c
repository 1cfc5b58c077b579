/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/gate-keys.h"

#include "repo-tools/site.h"
#include "repo-tools/ssh-key.h"

int gate_keys_check_dir(const struct repo *repo, struct err *err)
{
	/* sshd takes \" for a quote. */
	if (!strpbrk(repo->dir, " \t\"'\\$`;&|<>(){}*?!~#\n"))
		return 0;
	return err_set(err, ERR_USAGE,
		       "the path %s has characters that do not go into authorized_keys; move the "
		       "repository",
		       repo->dir);
}

void gate_keys_add_line(const struct repo *repo, const char *site, const char *key,
			struct strbuf *out)
{
	strbuf_addf(out, "restrict,command=\"imagerepo-gate --repo %s %s\" %s %s\n", repo->dir,
		    site, key, site);
}

/* The site whose key this is, or NULL; free it. A damaged key of one site must not lock
 * the others out. */
static int find_site(const struct repo *repo, const char *key, char **found, struct err *err)
{
	_cleanup_strv_ struct strv sites = STRV_INIT;
	*found = NULL;
	if (site_names(repo, &sites, err) < 0)
		return -1;
	for (size_t i = 0; i < sites.count && !*found; i++) {
		_cleanup_err_ struct err damaged = ERR_INIT;
		_cleanup_free_ char *its = NULL;
		if (site_get_key(repo, sites.items[i], &its, &damaged) == 0 && its &&
		    str_eq(its, key))
			*found = xstrdup(sites.items[i]);
	}
	return 0;
}

int gate_keys_answer(const struct repo *repo, const char *fingerprint, const char *type,
		     const char *base64, struct strbuf *out, struct err *err)
{
	char computed[SSH_KEY_FINGERPRINT_LEN + 1];
	_cleanup_err_ struct err no_key = ERR_INIT;
	_cleanup_free_ char *text = xasprintf("%s %s", type, base64);
	_cleanup_free_ char *key = NULL;
	_cleanup_free_ char *site = NULL;
	if (gate_keys_check_dir(repo, err) < 0)
		return -1;
	if (ssh_key_parse(text, &key, &no_key) < 0)
		return 0;
	ssh_key_fingerprint(key, computed);
	if (!str_eq(computed, fingerprint))
		return 0;
	if (find_site(repo, key, &site, err) < 0)
		return -1;
	if (site)
		gate_keys_add_line(repo, site, key, out);
	else
		strbuf_addf(out,
			    "restrict,command=\"imagerepo-gate --repo %s --enroll %s\" %s\n",
			    repo->dir, fingerprint, key);
	return 0;
}
