/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/site.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "repo-tools/site-input.h"
#include "repo-tools/ssh-key.h"

char *site_path(const struct repo *repo, const char *site, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *below = xvasprintf(fmt, ap);
	va_end(ap);
	char *path = repo_path(repo, "private/sites/%s/%s", site, below);
	free(below);
	return path;
}

static int check_name(const char *site, struct err *err)
{
	if (site_name_is_valid(site))
		return 0;
	return err_set(err, ERR_USAGE,
		       "'%s' is no site name: lower case letters, digits and '-', at most 63",
		       site);
}

int site_check(const struct repo *repo, const char *site, struct err *err)
{
	if (check_name(site, err) < 0)
		return -1;
	_cleanup_free_ char *serial = site_path(repo, site, "serial");
	if (file_exists(serial))
		return 0;
	return err_set(err, ERR_NOT_FOUND, "there is no site '%s'; see 'imagerepo site list'",
		       site);
}

int site_create(const struct repo *repo, const char *site, struct err *err)
{
	if (check_name(site, err) < 0)
		return -1;
	_cleanup_free_ char *serial = site_path(repo, site, "serial");
	_cleanup_free_ char *params = site_path(repo, site, "params");
	if (file_exists(serial))
		return err_set(err, ERR_EXISTS, "there is a site '%s' already", site);
	if (make_dirs(params, 0700, err) < 0)
		return -1;
	for (int kind = 0; kind < LIST_KINDS; kind++) {
		_cleanup_free_ char *list = site_path(repo, site, "%s", site_list_kind_name(kind));
		if (!file_exists(list) && atomic_file_write(list, "", 0, 0644, err) < 0)
			return -1;
	}
	/* Last, since it is what makes the directory a site. */
	return atomic_file_write(serial, "0\n", 2, 0644, err);
}

int site_remove(const struct repo *repo, const char *site, struct err *err)
{
	if (site_check(repo, site, err) < 0)
		return -1;
	_cleanup_free_ char *dir = repo_path(repo, "private/sites/%s", site);
	_cleanup_free_ char *away = repo_path(repo, "tmp/site-%s", site);
	if (atomic_rename(dir, away, err) < 0)
		return -1;
	return remove_tree(away, err);
}

int site_names(const struct repo *repo, struct strv *names, struct err *err)
{
	_cleanup_free_ char *dir_path = repo_path(repo, "private/sites");
	DIR *dir = opendir(dir_path);
	if (!dir)
		return err_sys(err, "cannot read %s", dir_path);
	for (struct dirent *e; (e = readdir(dir));) {
		_cleanup_free_ char *serial = site_path(repo, e->d_name, "serial");
		if (site_name_is_valid(e->d_name) && file_exists(serial))
			strv_add(names, e->d_name);
	}
	closedir(dir);
	strv_sort(names);
	return 0;
}

int site_read_input(const struct repo *repo, const char *site, struct site_list **out,
		    struct err *err)
{
	_cleanup_site_input_ struct site_input input = { 0 };
	*out = NULL;
	if (site_input_load(repo, site, &input, err) < 0)
		return -1;
	return site_input_parse(repo, site, &input, out, err);
}

int site_read_signed(const struct repo *repo, const char *site, struct site_list **out,
		     struct pgp_signature *sig, struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *path = site_path(repo, site, "out/site.list");
	_cleanup_free_ char *key = repo_path(repo, "conf/trust/site-list.gpg");
	_cleanup_strbuf_ struct strbuf inside = STRBUF_INIT;
	const char *const keys[] = { key, NULL };
	*out = NULL;
	if (file_read(path, SITE_LIST_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	if (pgp_verify_clearsigned(keys, text, len, &inside, sig, err) < 0 ||
	    site_list_parse(inside.data, inside.len, out, err) < 0)
		return err_prefix(err, "%s", path);
	return 0;
}

int site_set_key(const struct repo *repo, const char *site, const char *text, struct err *err)
{
	_cleanup_free_ char *key = NULL;
	_cleanup_free_ char *path = site_path(repo, site, "key.pub");
	if (ssh_key_parse(text, &key, err) < 0)
		return -1;
	_cleanup_free_ char *line = xasprintf("%s %s\n", key, site);
	return atomic_file_write(path, line, strlen(line), 0644, err);
}

int site_get_key(const struct repo *repo, const char *site, char **key, struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *path = site_path(repo, site, "key.pub");
	*key = NULL;
	if (!file_exists(path))
		return 0;
	if (file_read(path, SSH_KEY_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	return ssh_key_parse(text, key, err) < 0 ? err_prefix(err, "%s", path) : 0;
}
