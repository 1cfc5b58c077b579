/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/list.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>

#include "common/atomic-file.h"
#include "common/hash.h"
#include "pkgmgr/gate.h"
#include "pkgmgr/schedule.h"

/* How far a list's Date may be ahead of our clock. */
enum { CLOCK_SLACK_S = 86400 };

/* Whatever is wrong with a list, it is refused. */
static int refuse(struct err *err)
{
	if (err->code != ERR_SIGNATURE && err->code != ERR_EXPIRED)
		err->code = ERR_REFUSED;
	return err_prefix(err, "the site list is refused");
}

static int check_times(const struct site_list *list, int64_t now, struct err *err)
{
	_cleanup_free_ char *date = time_format(list->date);
	_cleanup_free_ char *until = time_format(list->valid_until);
	if (list->valid_until <= now)
		return err_set(err, ERR_EXPIRED,
			       "it was valid until %s; has the operator's 'imagerepo resign' run, "
			       "and is this clock right?", until);
	if (list->date > now + CLOCK_SLACK_S)
		return err_set(err, ERR_EXPIRED,
			       "its Date %s is more than a day ahead of this clock", date);
	return 0;
}

static int check_site(const struct pkgmgr *m, const struct site_list *list, struct err *err)
{
	if (str_eq(list->site, m->conf->site))
		return 0;
	return err_set(err, ERR_REFUSED, "it is for site %s, and this is %s", list->site,
		       m->conf->site);
}

int list_verify(const struct pkgmgr *m, const char *text, size_t len, int64_t now,
		struct site_list **out, struct err *err)
{
	*out = NULL;
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	if (signed_list_parse(&m->root, text, len, &list, err) < 0 ||
	    check_site(m, list, err) < 0 || check_times(list, now, err) < 0)
		return refuse(err);
	*out = steal(&list);
	return 0;
}

static int get_number(struct state *state, const char *key, uint64_t *number, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	*number = 0;
	if (state_get_meta(state, key, &text, err) < 0)
		return -1;
	return text ? number_parse(text, 0, INT64_MAX, number, key, err) : 0;
}

static int set_number(struct state *state, const char *key, uint64_t number, struct err *err)
{
	_cleanup_free_ char *text = xasprintf("%" PRIu64, number);
	return state_set_meta(state, key, text, err);
}

int list_last_serial(const struct pkgmgr *m, uint64_t *epoch, uint64_t *serial, struct err *err)
{
	*serial = 0;
	if (get_number(m->state, "site-epoch", epoch, err) < 0)
		return -1;
	return get_number(m->state, "site-serial", serial, err);
}

int list_last_date(const struct pkgmgr *m, int64_t *date, struct err *err)
{
	uint64_t number = 0;
	if (get_number(m->state, "site-list-date", &number, err) < 0)
		return -1;
	*date = (int64_t)number;
	return 0;
}

/* (Epoch, Serial) never goes back, and the same pair always means the same bytes. */
static int check_serial(const struct pkgmgr *m, const struct site_list *list,
			const char *sha256, struct err *err)
{
	uint64_t epoch = 0, serial = 0;
	_cleanup_free_ char *known = NULL;
	if (list_last_serial(m, &epoch, &serial, err) < 0 ||
	    state_get_meta(m->state, "site-list-sha256", &known, err) < 0)
		return -1;
	if (!known)
		return 0;
	if (list->epoch < epoch || (list->epoch == epoch && list->serial < serial))
		return err_set(err, ERR_EXPIRED,
			       "its serial %" PRIu64 " (epoch %" PRIu64 ") is older than %" PRIu64
			       " (epoch %" PRIu64 "), which this site has", list->serial,
			       list->epoch, serial, epoch);
	if (list->epoch == epoch && list->serial == serial && !str_eq(known, sha256))
		return err_set(err, ERR_SIGNATURE,
			       "it has the serial %" PRIu64 " of the list that this site has, but "
			       "other bytes", serial);
	return 0;
}

/* A staged parameter file, if it is the one that the list names. */
static int read_param(const struct pkgmgr *m, const struct site_list_param *param, char **text,
		      size_t *len, struct err *err)
{
	_cleanup_free_ char *name = xasprintf("params/%s", param->appliance);
	if (gate_read_staged(m, name, (size_t)param->size_bytes, text, len, err) < 0)
		return -1;
	char sha256[SHA256_HEX_LEN + 1];
	sha256_hex(*text, *len, sha256);
	if (*len != param->size_bytes || !str_eq(sha256, param->sha256))
		return err_set(err, ERR_SIGNATURE, "%s is not the file that the list names", name);
	return 0;
}

static int store_param(const struct pkgmgr *m, const struct site_list_param *param,
		       struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	_cleanup_free_ char *path = root_path(&m->root, PARAMS_DIR "/%s", param->appliance);
	if (read_param(m, param, &text, &len, err) < 0)
		return -1;
	/* Parameters may hold secrets of the site. */
	return atomic_file_write(path, text, len, 0600, err);
}

static bool names_param(const struct site_list *list, const char *appliance)
{
	for (size_t i = 0; i < list->param_count; i++)
		if (str_eq(list->params[i].appliance, appliance))
			return true;
	return false;
}

static int drop_stale_params(const struct site_list *list, const char *dir, struct err *err)
{
	DIR *listing = opendir(dir);
	if (!listing)
		return errno == ENOENT ? 0 : err_sys(err, "list %s", dir);
	int rc = 0;
	for (const struct dirent *e; rc == 0 && (e = readdir(listing));) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' && !names_param(list, e->d_name))
			rc = atomic_unlink(path, err);
	}
	closedir(listing);
	return rc;
}

static int check_params(const struct pkgmgr *m, const struct site_list *list, struct err *err)
{
	for (size_t i = 0; i < list->param_count; i++) {
		_cleanup_free_ char *text = NULL;
		size_t len = 0;
		if (read_param(m, &list->params[i], &text, &len, err) < 0)
			return -1;
	}
	return 0;
}

static int store_params(const struct pkgmgr *m, const struct site_list *list, struct err *err)
{
	_cleanup_free_ char *dir = root_path(&m->root, PARAMS_DIR);
	if (list->param_count && make_dirs(dir, 0700, err) < 0)
		return -1;
	for (size_t i = 0; i < list->param_count; i++)
		if (store_param(m, &list->params[i], err) < 0)
			return -1;
	return drop_stale_params(list, dir, err);
}

static int store_schedule(const struct pkgmgr *m, const struct site_list *list, struct err *err)
{
	_cleanup_free_ char *networks = strv_join(&list->fetch.serve_to, " ");
	struct schedule schedule = { list->site, list->sync_minute, list->splay_seconds,
				     list->host.reboot, list->host.min_free_bytes, NULL };
	if (list->fetch.has_serve_to)
		schedule.serve_to = *networks ? networks : (char *)"none";
	return schedule_write(&m->root, &schedule, err);
}

static int remember(const struct pkgmgr *m, const struct site_list *list, const char *sha256,
		    struct err *err)
{
	if (state_begin(m->state, err) < 0)
		return -1;
	if (set_number(m->state, "site-epoch", list->epoch, err) < 0 ||
	    set_number(m->state, "site-serial", list->serial, err) < 0 ||
	    set_number(m->state, "site-list-date", (uint64_t)list->date, err) < 0 ||
	    state_set_meta(m->state, "site-list-sha256", sha256, err) < 0) {
		state_rollback(m->state);
		return -1;
	}
	return state_commit(m->state, err);
}

/* In this order, a crash between two steps leaves a state from which the same list
 * is simply accepted again: the serial is remembered last. */
static int store(const struct pkgmgr *m, const struct site_list *list, const char *text,
		 size_t len, const char *sha256, struct err *err)
{
	_cleanup_free_ char *path = root_path(&m->root, LIST_PATH);
	if (store_params(m, list, err) < 0 ||
	    atomic_file_write(path, text, len, 0644, err) < 0 ||
	    store_schedule(m, list, err) < 0)
		return -1;
	return remember(m, list, sha256, err);
}

/* Whether this very list, with its parameters, was stored before. */
static bool is_known(const struct pkgmgr *m, const char *sha256)
{
	_cleanup_err_ struct err ignored = ERR_INIT;
	_cleanup_free_ char *known = NULL;
	_cleanup_free_ char *path = root_path(&m->root, LIST_PATH);
	char stored[SHA256_HEX_LEN + 1];
	uint64_t size = 0;
	return state_get_meta(m->state, "site-list-sha256", &known, &ignored) == 0 && known &&
	       str_eq(known, sha256) && sha256_file(path, stored, &size, &ignored) == 0 &&
	       str_eq(stored, sha256);
}

int list_accept(const struct pkgmgr *m, int64_t now, struct site_list **out, struct err *err)
{
	*out = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (gate_read_staged(m, "site.list", SITE_LIST_MAX_BYTES, &text, &len, err) < 0)
		return refuse(err);
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	if (list_verify(m, text, len, now, &list, err) < 0)
		return -1;
	char sha256[SHA256_HEX_LEN + 1];
	sha256_hex(text, len, sha256);
	if (check_serial(m, list, sha256, err) < 0 || check_params(m, list, err) < 0)
		return refuse(err);
	if (!is_known(m, sha256) && store(m, list, text, len, sha256, err) < 0)
		return -1;
	*out = steal(&list);
	return 0;
}

int list_load(const struct pkgmgr *m, struct site_list **out, struct err *err)
{
	*out = NULL;
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	if (signed_list_load(&m->root, &list, err) < 0)
		return -1;
	if (check_site(m, list, err) < 0)
		return err_prefix(err, "%s", LIST_PATH);
	*out = steal(&list);
	return 0;
}
