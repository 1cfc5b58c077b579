/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/releases.h"

#include <inttypes.h>

#include "pkgmgr/apt/apt.h"

struct check {
	const struct pkgmgr *m;
	const struct site_list *list;
	int64_t now;
};

static int refuse(const struct apt_release *release, int64_t limit, const char *why,
		  struct err *err)
{
	_cleanup_free_ char *date = time_format(release->date);
	_cleanup_free_ char *other = time_format(limit);
	return err_set(err, ERR_EXPIRED, "the repository's Release of %s %s %s (%s)", date, why,
		       other, release->name);
}

/* InRelease and Release of one suite count as one. */
static char *meta_key(const char *name)
{
	_cleanup_free_ char *suite = xstrdup(name);
	if (str_ends(suite, "_InRelease"))
		suite[strlen(suite) - strlen("_InRelease")] = '\0';
	else if (str_ends(suite, "_Release"))
		suite[strlen(suite) - strlen("_Release")] = '\0';
	return xasprintf("release-date:%s", suite);
}

static int check_last_seen(const struct pkgmgr *m, const struct apt_release *release,
			   struct err *err)
{
	_cleanup_free_ char *key = meta_key(release->name);
	_cleanup_free_ char *text = NULL;
	uint64_t seen = 0;
	if (state_get_meta(m->state, key, &text, err) < 0 ||
	    (text && number_parse(text, 0, INT64_MAX, &seen, key, err) < 0))
		return -1;
	if (release->date < (int64_t)seen)
		return refuse(release, (int64_t)seen, "is older than the one seen before, of",
			      err);
	if (release->date == (int64_t)seen)
		return 0;
	_cleanup_free_ char *date = xasprintf("%" PRId64, release->date);
	return state_set_meta(m->state, key, date, err);
}

static int check_release(const struct apt_release *release, void *arg, struct err *err)
{
	const struct check *c = arg;
	if (release->date < c->list->repository_not_before)
		return refuse(release, c->list->repository_not_before,
			      "is older than the list's Repository-Not-Before,", err);
	if (release->valid_until && release->valid_until < c->now)
		return refuse(release, release->valid_until, "was valid until", err);
	return check_last_seen(c->m, release, err);
}

int releases_check(const struct pkgmgr *m, const struct site_list *list, int64_t now,
		   struct err *err)
{
	struct check check = { m, list, now };
	return apt_releases(m->conf->origin, check_release, &check, err);
}
