/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/fetch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/progress.h"
#include "pkgmgr/download.h"

/* Room for an overlay's first writes, state.db and logs. */
#define MARGIN_BYTES (64ull << 20)

static char *archive_path(const struct root *root, const struct plan_archive *archive,
			  const char *suffix)
{
	return root_path(root, ARCHIVES_DIR "/%s%s", archive->sha256, suffix);
}

static bool needs_archive(const struct plan_action *a)
{
	return a->verb != PLAN_REMOVE && !a->archive.path;
}

/* 1: the file has the signed bytes, 0: it has not. The descriptor is ours, and links
 * are not followed. */
static int has_signed_bytes(const char *path, const struct plan_archive *archive,
			    struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char sha256[SHA256_HEX_LEN + 1];
	uint64_t size = 0;
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (sha256_fd(fd, sha256, &size, err) < 0)
		return err_prefix(err, "hash %s", path);
	return size == archive->size_bytes && str_eq(sha256, archive->sha256);
}

static bool plan_needs(const struct plan *plan, const char *file)
{
	for (size_t i = 0; i < plan->action_count; i++) {
		const char *sha256 = plan->actions[i].archive.sha256;
		if (sha256 && str_starts(file, sha256))
			return true;
	}
	return false;
}

static int drop_unneeded(const char *dir, const struct plan *plan, struct err *err)
{
	DIR *listing = opendir(dir);
	if (!listing)
		return err_sys(err, "list %s", dir);
	int rc = 0;
	for (const struct dirent *e; rc == 0 && (e = readdir(listing));) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' && !plan_needs(plan, e->d_name))
			rc = atomic_unlink(path, err);
	}
	closedir(listing);
	return rc;
}

static int use_complete(const struct root *root, struct plan_archive *archive, struct err *err)
{
	_cleanup_free_ char *path = archive_path(root, archive, ".deb");
	if (!file_exists(path))
		return 0;
	int good = has_signed_bytes(path, archive, err);
	if (good < 0)
		return -1;
	if (!good)
		return atomic_unlink(path, err);
	archive->path = steal(&path);
	return 0;
}

int fetch_prepare(const struct root *root, struct plan *plan, struct err *err)
{
	_cleanup_free_ char *dir = root_path(root, ARCHIVES_DIR);
	if (make_dirs(dir, 0700, err) < 0 || drop_unneeded(dir, plan, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->action_count; i++)
		if (needs_archive(&plan->actions[i]) &&
		    use_complete(root, &plan->actions[i].archive, err) < 0)
			return -1;
	return 0;
}

static uint64_t part_bytes(const struct root *root, const struct plan *plan)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < plan->action_count; i++) {
		if (!needs_archive(&plan->actions[i]))
			continue;
		_cleanup_free_ char *path = archive_path(root, &plan->actions[i].archive, ".part");
		struct stat st;
		if (stat(path, &st) == 0)
			sum += (uint64_t)st.st_size;
	}
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

/* What is complete but wrong is no use to anybody; a partial file is kept. */
static int take_if_good(const char *part, const char *path, struct plan_archive *archive,
			struct err *err)
{
	int good = has_signed_bytes(part, archive, err);
	if (good < 0)
		return -1;
	if (!good) {
		if (atomic_unlink(part, err) < 0)
			return -1;
		return err_set(err, ERR_SIGNATURE,
			       "the bytes are not those that the repository signed");
	}
	if (atomic_rename(part, path, err) < 0)
		return -1;
	archive->path = xstrdup(path);
	return 0;
}

/* One server. A partial file of unknown origin may be what is wrong: then once more
 * from the first byte. */
static int fetch_from(const char *uri, const char *part, const char *path,
		      struct plan_archive *archive, struct download *d, struct err *err)
{
	bool resumed = file_exists(part);
	if (download_to(d, uri, part, archive->size_bytes, err) < 0)
		return -1;
	if (take_if_good(part, path, archive, err) == 0)
		return 0;
	if (err->code != ERR_SIGNATURE || !resumed)
		return -1;
	log_info("%s: the resumed file is wrong, fetching all of it", uri);
	err_clear(err);
	if (download_to(d, uri, part, archive->size_bytes, err) < 0)
		return -1;
	return take_if_good(part, path, archive, err);
}

/* Another server cannot help with these. */
static bool is_final(const struct err *err)
{
	return err->code == ERR_CANCELLED || err->code == ERR_NO_SPACE ||
	       err->code == ERR_SYSTEM;
}

static int fetch_one(const struct root *root, struct plan_action *a, struct download *d,
		     struct err *err)
{
	struct plan_archive *archive = &a->archive;
	_cleanup_free_ char *part = archive_path(root, archive, ".part");
	_cleanup_free_ char *path = archive_path(root, archive, ".deb");
	_cleanup_err_ struct err last = ERR_INIT;
	for (size_t i = 0; i < archive->uris.count; i++) {
		const char *uri = archive->uris.items[i];
		err_clear(&last);
		if (fetch_from(uri, part, path, archive, d, &last) == 0) {
			log_event("fetch-done", "%s %s, %" PRIu64 " bytes", a->package,
				  a->to_version, archive->size_bytes);
			return 0;
		}
		log_warn("%s: %s", uri, last.msg);
		if (is_final(&last))
			break;
	}
	return err_set(err, last.code, "fetch %s %s from %s: %s", a->package, a->to_version,
		       archive->uris.items[archive->uris.count - 1], last.msg);
}

int fetch_packages(const struct root *root, struct plan *plan, uint64_t *received_bytes,
		   struct err *err)
{
	uint64_t total = plan_fetch_bytes(plan);
	if (!total)
		return 0;
	_cleanup_(download_freep) struct download *d = NULL;
	if (download_new(total, &d, err) < 0)
		return -1;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < plan->action_count; i++)
		if (needs_archive(&plan->actions[i]))
			rc = fetch_one(root, &plan->actions[i], d, err);
	*received_bytes += download_received(d);
	return rc;
}

int fetch_rehash(const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->action_count; i++) {
		const struct plan_action *a = &plan->actions[i];
		if (a->verb == PLAN_REMOVE)
			continue;
		int good = has_signed_bytes(a->archive.path, &a->archive, err);
		if (good < 0)
			return -1;
		if (good)
			continue;
		if (atomic_unlink(a->archive.path, err) < 0)
			return -1;
		return err_set(err, ERR_SIGNATURE,
			       "%s changed after it was fetched; it was removed, and nothing is "
			       "installed", a->archive.path);
	}
	return 0;
}

int fetch_clean(const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->action_count; i++) {
		const char *path = plan->actions[i].archive.path;
		if (path && atomic_unlink(path, err) < 0)
			return -1;
	}
	return 0;
}
