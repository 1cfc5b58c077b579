/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From an operator's files to a signed list that the gate serves. */
#include "repo-tools/site.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "repo-tools/site-param.h"

/* Longer than the gate gives a report to arrive. */
enum { REPORT_AGE_SECONDS = 600 };

static int read_serial(const char *path, uint64_t *serial, struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	if (file_read(path, 64, &text, &len, err) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return number_parse(text, 0, INT64_MAX - 1, serial, path, err);
}

static int raise_serial(const struct repo *repo, const char *site, uint64_t *serial,
			struct err *err)
{
	_cleanup_free_ char *path = site_path(repo, site, "serial");
	if (read_serial(path, serial, err) < 0)
		return -1;
	_cleanup_free_ char *text = xasprintf("%llu\n", (unsigned long long)++*serial);
	return atomic_file_write(path, text, strlen(text), 0644, err);
}

static int write_list(const struct repo *repo, const char *out, const struct site_list *list,
		      struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf clear = STRBUF_INIT;
	_cleanup_free_ char *path = xasprintf("%s/site.list", out);
	site_list_format(list, &text);
	if (pgp_clearsign(repo->conf->list_key, text.data, text.len, &clear, err) < 0)
		return -1;
	if (clear.len > SITE_LIST_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "the signed list is larger than 1 MiB");
	return atomic_file_write(path, clear.data, clear.len, 0600, err);
}

/* out -> .out.<serial> */
static int switch_out(const struct repo *repo, const char *site, uint64_t serial,
		      struct err *err)
{
	_cleanup_free_ char *target = xasprintf(".out.%llu", (unsigned long long)serial);
	_cleanup_free_ char *new_link = site_path(repo, site, ".out.new");
	_cleanup_free_ char *link_path = site_path(repo, site, "out");
	if (unlink(new_link) < 0 && errno != ENOENT)
		return err_sys(err, "cannot remove %s", new_link);
	if (symlink(target, new_link) < 0)
		return err_sys(err, "cannot create %s", new_link);
	return atomic_rename(new_link, link_path, err);
}

/* A temporary file of common/atomic-file whose writer is dead. We hold the lock, but
 * the gate writes reports without it, in a minute at most. */
static bool is_dead_temporary(const char *dir, const char *name)
{
	struct stat st;
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	if (name[0] != '.' || !strstr(name, ".tmp-"))
		return false;
	return !str_starts(name, ".report.json.") ||
	       (lstat(path, &st) == 0 && st.st_mtime < time(NULL) - REPORT_AGE_SECONDS);
}

/* Away with what killed runs have left in `dir`, and with editions of the list, but
 * for the two that are named (NULL: all stay). */
static int clear_leftovers(const char *dir, const char *current, const char *previous,
			   struct err *err)
{
	DIR *d = opendir(dir);
	if (!d)
		return err_sys(err, "cannot read %s", dir);
	int result = 0;
	for (struct dirent *e; result == 0 && (e = readdir(d));) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, e->d_name);
		bool old_edition = current && str_starts(e->d_name, ".out.") &&
				   !str_eq(e->d_name, current) && !str_eq(e->d_name, previous);
		if (old_edition || is_dead_temporary(dir, e->d_name))
			result = remove_tree(path, err);
	}
	closedir(d);
	return result;
}

/* What `out` links to, or "" if it is not there yet. */
static void read_out(const struct repo *repo, const char *site, char *name, size_t size)
{
	_cleanup_free_ char *path = site_path(repo, site, "out");
	ssize_t len = readlink(path, name, size - 1);
	name[len > 0 ? len : 0] = '\0';
}

static int write_and_switch(const struct repo *repo, const char *site, struct site_list *list,
			    struct err *err)
{
	_cleanup_free_ char *out = site_path(repo, site, ".out.%llu",
					     (unsigned long long)list->serial);
	_cleanup_free_ char *params = xasprintf("%s/params", out);
	if (make_dirs(params, 0700, err) < 0 ||
	    site_param_list(repo, site, params, list, err) < 0 ||
	    write_list(repo, out, list, err) < 0)
		return -1;
	return switch_out(repo, site, list->serial, err);
}

static int clear_site(const struct repo *repo, const char *site, const char *current,
		      const char *previous, struct err *err)
{
	_cleanup_free_ char *dir = site_path(repo, site, ".");
	_cleanup_free_ char *params = site_path(repo, site, "params");
	if (clear_leftovers(dir, current, previous, err) < 0 ||
	    clear_leftovers(params, NULL, NULL, err) < 0)
		return err_prefix(err, "cleaning up after %s", site);
	return 0;
}

int site_sign(const struct repo *repo, const char *site, uint64_t *serial, struct err *err)
{
	char previous[NAME_MAX + 1], current[NAME_MAX + 1];
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	if (site_read_input(repo, site, &list, err) < 0)
		return -1;
	read_out(repo, site, previous, sizeof(previous));
	if (raise_serial(repo, site, &list->serial, err) < 0)
		return -1;
	list->date = time_now_reproducible();
	list->valid_until = list->date + (int64_t)repo->conf->list_valid_seconds;
	if (write_and_switch(repo, site, list, err) < 0)
		return err_prefix(err, "signing the list of %s", site);
	read_out(repo, site, current, sizeof(current));
	if (clear_site(repo, site, current, previous, err) < 0)
		return -1;
	if (serial)
		*serial = list->serial;
	return 0;
}

/* Whatever is wrong with the served list, signing anew mends it. */
static bool is_current(const struct repo *repo, const char *site, uint64_t *serial)
{
	_cleanup_err_ struct err reason = ERR_INIT;
	_cleanup_(site_list_freep) struct site_list *served = NULL;
	if (site_read_signed(repo, site, &served, NULL, &reason) < 0 ||
	    site_check_served(repo, site, served, &reason) < 0 ||
	    served->valid_until <= time_now_reproducible())
		return false;
	*serial = served->serial;
	return true;
}

int site_sign_if_changed(const struct repo *repo, const char *site, uint64_t *serial,
			 bool *signed_anew, struct err *err)
{
	*signed_anew = !is_current(repo, site, serial);
	if (*signed_anew)
		return site_sign(repo, site, serial, err);
	/* For a run that was killed when its list was served already. */
	return clear_site(repo, site, NULL, NULL, err);
}
