/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/hash.h"

struct kept {
	char *path;
	uint64_t bytes;
	int64_t since;		/* when it came; Unix seconds */
};

struct kept_files {
	struct kept *items;
	size_t count;
};
#define _cleanup_kept_ __attribute__((cleanup(kept_files_destroy)))

static void kept_files_destroy(struct kept_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->items[i].path);
	free(files->items);
}

static char *files_dir(const struct root *root)
{
	return root_path(root, KEEP_DIR "/by-sha256");
}

/* The server is another user, so the mode must not depend on who made a directory above. */
int keep_make_dir(const struct root *root, struct err *err)
{
	_cleanup_free_ char *dir = files_dir(root);
	static const char *const open_dirs[] = { "var/cache/waybill", KEEP_DIR,
						 KEEP_DIR "/by-sha256" };
	if (make_dirs(dir, 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(open_dirs); i++) {
		_cleanup_free_ char *path = root_path(root, "%s", open_dirs[i]);
		if (chmod(path, 0755) < 0)
			return err_sys(err, "open %s to readers", path);
	}
	return 0;
}

static int list_files(const char *dir, struct kept_files *files, struct err *err)
{
	DIR *listing = opendir(dir);
	if (!listing)
		return errno == ENOENT ? 0 : err_sys(err, "list %s", dir);
	for (const struct dirent *e; (e = readdir(listing));) {
		struct stat st;
		if (e->d_name[0] == '.' ||
		    fstatat(dirfd(listing), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		files->items = xrealloc(files->items, (files->count + 1) * sizeof(struct kept));
		files->items[files->count++] =
			(struct kept){ xasprintf("%s/%s", dir, e->d_name), (uint64_t)st.st_size,
				       st.st_mtime };
	}
	closedir(listing);
	return 0;
}

static int compare_age(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;
	return x->since < y->since ? -1 : x->since > y->since;
}

int keep_prune(const struct root *root, const struct fetch_policy *policy, uint64_t more_bytes,
	       int64_t now, struct err *err)
{
	_cleanup_kept_ struct kept_files files = { NULL, 0 };
	_cleanup_free_ char *dir = files_dir(root);
	uint64_t sum = more_bytes;
	if (list_files(dir, &files, err) < 0)
		return -1;
	if (files.count)
		qsort(files.items, files.count, sizeof(struct kept), compare_age);
	for (size_t i = 0; i < files.count; i++)
		sum += files.items[i].bytes;
	for (size_t i = 0; i < files.count; i++) {
		const struct kept *file = &files.items[i];
		bool old = file->since > now || (uint64_t)(now - file->since) > policy->cache_s;
		if (!old && sum <= policy->cache_bytes)
			continue;
		if (atomic_unlink(file->path, err) < 0)
			return -1;
		sum -= file->bytes;
	}
	return 0;
}

int keep_add(const struct root *root, const struct fetch_policy *policy, const char *path,
	     const char *sha256, struct err *err)
{
	_cleanup_free_ char *kept = root_path(root, KEEP_DIR "/by-sha256/%s", sha256);
	struct stat st;
	if (stat(path, &st) < 0)
		return err_sys(err, "look at %s", path);
	if (!policy->cache_bytes || !policy->cache_s || (uint64_t)st.st_size > policy->cache_bytes)
		return atomic_unlink(path, err);
	if (keep_prune(root, policy, (uint64_t)st.st_size, time(NULL), err) < 0 ||
	    keep_make_dir(root, err) < 0)
		return -1;
	if (chmod(path, 0644) < 0 || utimensat(AT_FDCWD, path, NULL, 0) < 0)
		return err_sys(err, "open %s to readers", path);
	return atomic_rename(path, kept, err);
}

int keep_take(const struct root *root, const char *sha256, const char *path, struct err *err)
{
	_cleanup_free_ char *kept = root_path(root, KEEP_DIR "/by-sha256/%s", sha256);
	return file_exists(kept) ? atomic_link(kept, path, err) : 0;
}

int keep_remove(const struct root *root, const char *sha256, struct err *err)
{
	_cleanup_free_ char *kept = root_path(root, KEEP_DIR "/by-sha256/%s", sha256);
	return file_exists(kept) ? atomic_unlink(kept, err) : 0;
}
