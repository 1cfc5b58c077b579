/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/fetch.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "pkgmgr/keep.h"

/* Room for an overlay's first writes, state.db and logs. */
#define MARGIN_BYTES (64ull << 20)

static bool needs_archive(const struct plan_action *a)
{
	return a->verb != PLAN_REMOVE && !a->archive.path;
}

static bool plan_needs(const struct plan *plan, const char *file)
{
	for (size_t i = 0; i < plan->delta_indexes.count; i++)
		if (str_starts(file, plan->delta_indexes.items[i]))
			return true;
	for (size_t i = 0; i < plan->action_count; i++) {
		const char *sha256 = plan->actions[i].archive.sha256;
		if (sha256 && str_starts(file, sha256))
			return true;
		for (size_t j = 0; j < plan->actions[i].archive.delta_count; j++)
			if (str_starts(file, plan->actions[i].archive.deltas[j].sha256))
				return true;
	}
	return false;
}

/* Also the temporary files of a sync that was killed: the lock says that no other one runs.
 * plan NULL: it is carried out. */
static int drop_unneeded(const char *dir, const struct plan *plan, struct err *err)
{
	DIR *listing = opendir(dir);
	if (!listing)
		return err_sys(err, "list %s", dir);
	int rc = 0;
	for (const struct dirent *e; rc == 0 && (e = readdir(listing));) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, e->d_name);
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, "..") &&
		    !(plan && plan_needs(plan, e->d_name)))
			rc = atomic_unlink(path, err);
	}
	closedir(listing);
	return rc;
}

/* The name is for people; free it. */
static char *describe_file(const struct plan_action *a, struct signed_file *file)
{
	char *name = xasprintf("%s %s", a->package, a->to_version);
	*file = (struct signed_file){ .name = name,
				      .sha256 = a->archive.sha256,
				      .uris = &a->archive.uris,
				      .suffix = ".deb",
				      .size_bytes = a->archive.size_bytes };
	return name;
}

int fetch_prepare(const struct root *root, struct plan *plan, struct err *err)
{
	_cleanup_free_ char *dir = root_path(root, ARCHIVES_DIR);
	if (make_dirs(dir, 0700, err) < 0 || drop_unneeded(dir, plan, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->action_count; i++) {
		struct plan_action *a = &plan->actions[i];
		struct signed_file file;
		if (!needs_archive(a))
			continue;
		_cleanup_free_ char *name = describe_file(a, &file);
		if (fetch_file_there(root, &file, err) < 0)
			return -1;
		a->archive.path = file.path;
	}
	return 0;
}

static uint64_t part_bytes(const struct root *root, const struct plan *plan)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < plan->action_count; i++)
		if (needs_archive(&plan->actions[i]))
			sum += fetch_file_part_bytes(root, plan->actions[i].archive.sha256);
	return sum;
}

static int free_bytes(const char *dir, uint64_t *bytes, dev_t *device, struct err *err)
{
	struct statvfs fs;
	struct stat st;
	if (statvfs(dir, &fs) < 0 || stat(dir, &st) < 0)
		return err_sys(err, "ask how much is free at %s", dir);
	*bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	*device = st.st_dev;
	return 0;
}

static int require(const char *dir, uint64_t needed, uint64_t available, const char *what,
		   struct err *err)
{
	if (needed <= available)
		return 0;
	_cleanup_free_ char *need = size_format(needed);
	_cleanup_free_ char *have = size_format(available);
	return err_set(err, ERR_NO_SPACE,
		       "%s %s %s on the file system of %s, and %s are free; nothing was fetched",
		       what, "needs", need, dir, have);
}

/* Old and new version are on the disk together while dpkg unpacks, and a base stays
 * as long as an instance uses it, so what is replaced frees nothing. */
int fetch_check_space(const struct root *root, const struct plan *plan, uint64_t *needed_bytes,
		      struct err *err)
{
	_cleanup_free_ char *cache = root_path(root, ARCHIVES_DIR);
	_cleanup_free_ char *state = root_path(root, "var/lib/waybill");
	uint64_t cache_free = 0, state_free_bytes = 0;
	dev_t cache_device = 0, state_device = 0;
	if (free_bytes(cache, &cache_free, &cache_device, err) < 0 ||
	    free_bytes(state, &state_free_bytes, &state_device, err) < 0)
		return -1;
	uint64_t fetch = plan_fetch_bytes(plan), there = part_bytes(root, plan);
	fetch -= there < fetch ? there : fetch;
	uint64_t unpack = plan_installed_bytes(plan);
	bool together = cache_device == state_device;
	*needed_bytes = unpack + MARGIN_BYTES + (together ? fetch : 0);
	if (fetch + unpack == 0)
		return 0;
	if (together)
		return require(state, *needed_bytes, state_free_bytes, "this sync", err);
	if (require(cache, fetch, cache_free, "fetching packages", err) < 0)
		return -1;
	return require(state, *needed_bytes, state_free_bytes, "unpacking packages", err);
}

int fetch_packages(const struct root *root, const struct fetch_policy *policy, struct plan *plan,
		   uint64_t *received_bytes, struct err *err)
{
	size_t count = plan->action_count;
	_cleanup_free_ struct signed_file *files = xcalloc(count + 1, sizeof(*files));
	_cleanup_free_ struct plan_action **actions = xcalloc(count + 1, sizeof(*actions));
	_cleanup_strv_ struct strv names = STRV_INIT;
	size_t needed = 0;
	for (size_t i = 0; i < count; i++) {
		if (!needs_archive(&plan->actions[i]))
			continue;
		_cleanup_free_ char *name = describe_file(&plan->actions[i], &files[needed]);
		strv_add(&names, name);
		files[needed].name = names.items[needed];
		actions[needed++] = &plan->actions[i];
	}
	if (!needed)
		return 0;
	int rc = fetch_files(root, policy, files, needed, received_bytes, err);
	for (size_t i = 0; i < needed; i++) {
		actions[i]->archive.path = files[i].path;
		err_clear(&files[i].err);
	}
	return rc;
}

int fetch_rehash(const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->action_count; i++) {
		const struct plan_action *a = &plan->actions[i];
		if (a->verb == PLAN_REMOVE)
			continue;
		const struct plan_archive *archive = &a->archive;
		bool rebuilt = archive->rebuilt_sha256 != NULL;
		int good = fetch_file_is_good(archive->path,
					      rebuilt ? archive->rebuilt_sha256 : archive->sha256,
					      rebuilt ? archive->rebuilt_bytes : archive->size_bytes,
					      err);
		if (good < 0)
			return -1;
		if (good)
			continue;
		return err_set(err, ERR_SIGNATURE,
			       "%s changed after it was fetched, so nothing is installed; the next "
			       "sync mends it", a->archive.path);
	}
	return 0;
}

int fetch_clean(const struct root *root, const struct fetch_policy *policy,
		const struct plan *plan, struct err *err)
{
	_cleanup_free_ char *dir = root_path(root, ARCHIVES_DIR);
	for (size_t i = 0; i < plan->action_count; i++) {
		const struct plan_archive *archive = &plan->actions[i].archive;
		_cleanup_err_ struct err unkept = ERR_INIT;
		/* A rebuilt one is not the file that neighbours would ask for. */
		if (!archive->path || archive->rebuilt_sha256)
			continue;
		/* What is installed is installed, whether neighbours can have it or not. */
		if (keep_add(root, policy, archive->path, archive->sha256, &unkept) < 0)
			log_warn("%s is not kept: %s", archive->path, unkept.msg);
	}
	return drop_unneeded(dir, NULL, err);
}
