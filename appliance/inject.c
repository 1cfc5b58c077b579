/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/inject.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appliance/guest-root.h"
#include "appliance/nbd-io.h"
#include "common/ext4-writer.h"
#include "common/log.h"
#include "common/strbuf.h"

enum { CHUNK_BYTES = 1 << 20, MIN_BLOCK_BYTES = 1024 };

/* --- which file system ---------------------------------------------------------- */

static int read_disk(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{
	return nbd_disk_read(arg, offset, data, len, err);
}

/* The places of ext file systems; what else there is goes into `others`, for the message. */
static int find_ext(const char *path, struct guest_parts *found, struct strbuf *others,
		    struct err *err)
{
	_cleanup_(nbd_disk_freep) struct nbd_disk *disk = NULL;
	_cleanup_free_ uint8_t *head = xmalloc(GUEST_HEAD_BYTES);
	struct guest_parts parts;
	*found = (struct guest_parts){ 0 };
	if (nbd_disk_open(path, &disk, err) < 0 ||
	    guest_parts_read(read_disk, disk, nbd_disk_bytes(disk), &parts, err) < 0)
		return -1;
	for (size_t i = 0; i < parts.count; i++) {
		size_t len = parts.items[i].bytes < GUEST_HEAD_BYTES ? parts.items[i].bytes
								     : GUEST_HEAD_BYTES;
		if (nbd_disk_read(disk, parts.items[i].start, head, len, err) < 0)
			return -1;
		const char *name = guest_fs_name(head, len);
		if (str_same(name, "ext"))
			found->items[found->count++] = parts.items[i];
		else if (name)
			strbuf_addf(others, "%s%s", others->len ? ", " : "", name);
	}
	return 0;
}

static bool has(struct ext4_writer *w, const char *path)
{
	bool is_link;
	return ext4_writer_has(w, path, &is_link);
}

static bool looks_like_root(struct ext4_writer *w)
{
	return has(w, "etc/os-release") || has(w, "lib") ||
	       has(w, "sbin") || has(w, "usr/sbin");
}

/* The first file system that holds a root. */
static int open_root(const char *path, struct ext4_writer **out, struct err *err)
{
	_cleanup_strbuf_ struct strbuf others = STRBUF_INIT;
	struct guest_parts found;
	*out = NULL;
	if (find_ext(path, &found, &others, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		_cleanup_(ext4_writer_freep) struct ext4_writer *w = NULL;
		_cleanup_free_ char *at =
			xasprintf("offset=%llu", (unsigned long long)found.items[i].start);
		if (ext4_writer_open(path, at, nbd_io_manager, &w, err) < 0)
			return -1;
		if (looks_like_root(w)) {
			*out = steal(&w);
			return 0;
		}
	}
	return err_set(err, ERR_REFUSED,
		       "Boot: host-kernel needs a root file system of type ext2, ext3 or ext4, "
		       "on the whole disk or in a partition of its own; this disk has %s",
		       found.count ? "one without etc, lib or sbin"
				   : others.len ? others.data : "none that is known");
}

/* --- the tree ------------------------------------------------------------------- */

struct job {
	struct ext4_writer *w;
	const char *modules; /* the tree on the host */
	char *target;	     /* in the guest: "usr/lib/modules/6.1.0" */
	char *chunk;
};

static void job_destroy(struct job *job)
{
	ext4_writer_free(job->w);
	free(job->target);
	free(job->chunk);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static FTS *open_tree(const char *dir)
{
	char *const paths[] = { (char *)dir, NULL };
	return fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
}

/* The directory itself may be reached by links; below it they stay links. */
static int walk_tree(const struct job *job,
		     int (*visit)(const struct job *job, const FTSENT *entry, struct err *err),
		     struct err *err)
{
	_cleanup_free_ char *dir = realpath(job->modules, NULL);
	FTS *tree = dir ? open_tree(dir) : NULL;
	if (!tree)
		return err_sys(err, "read %s", job->modules);
	int rc = 0;
	for (FTSENT *entry; rc == 0 && (entry = fts_read(tree));) {
		if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR ||
		    entry->fts_info == FTS_NS) {
			errno = entry->fts_errno;
			rc = err_sys(err, "read %s", entry->fts_path);
		} else if (entry->fts_info != FTS_DP) {
			rc = visit(job, entry, err);
		}
	}
	fts_close(tree);
	return rc;
}

/* Its path in the guest; free it. */
static char *target_of(const struct job *job, const FTSENT *entry)
{
	_cleanup_strbuf_ struct strbuf rest = STRBUF_INIT;
	for (; entry->fts_level > 0; entry = entry->fts_parent) {
		_cleanup_free_ char *below = xstrdup(rest.data ? rest.data : "");
		strbuf_destroy(&rest);
		rest = (struct strbuf)STRBUF_INIT;
		strbuf_addf(&rest, "/%s%s", entry->fts_name, below);
	}
	return xasprintf("%s%s", job->target, rest.data ? rest.data : "");
}

static int copy_file(const struct job *job, const char *target, const FTSENT *entry,
		     const struct ext4_attr *attr, struct err *err)
{
	_cleanup_close_ int fd = open(entry->fts_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(err, "open %s", entry->fts_path);
	if (ext4_writer_begin_file(job->w, target, attr, err) < 0)
		return -1;
	for (;;) {
		ssize_t n = read(fd, job->chunk, CHUNK_BYTES);
		if (n < 0)
			return err_sys(err, "read %s", entry->fts_path);
		if (n == 0)
			return ext4_writer_end_file(job->w, err);
		if (ext4_writer_file_data(job->w, job->chunk, (size_t)n, err) < 0)
			return -1;
	}
}

static int copy_link(const struct job *job, const char *target, const FTSENT *entry,
		     const struct ext4_attr *attr, struct err *err)
{
	char to[4096];
	ssize_t n = readlink(entry->fts_path, to, sizeof(to) - 1);
	if (n < 0)
		return err_sys(err, "read %s", entry->fts_path);
	to[n] = '\0';
	return ext4_writer_add_symlink(job->w, target, to, attr, err);
}

static int copy_entry(const struct job *job, const FTSENT *entry, struct err *err)
{
	const struct stat *st = entry->fts_statp;
	const struct ext4_attr attr = { .mode = st->st_mode & 07777, .mtime = st->st_mtime };
	_cleanup_free_ char *target = target_of(job, entry);
	switch (entry->fts_info) {
	case FTS_D:
		return ext4_writer_add_dir(job->w, target, &attr, err);
	case FTS_F:
		return copy_file(job, target, entry, &attr, err);
	case FTS_SL:
	case FTS_SLNONE:
		return copy_link(job, target, entry, &attr, err);
	default:
		return err_set(err, ERR_INPUT, "%s is no file that belongs to modules",
			       entry->fts_path);
	}
}

/* --- all of it ------------------------------------------------------------------- */

/* lib, or usr/lib where that is merged; made where it is missing. */
static int make_target(struct job *job, const char *release, struct err *err)
{
	static const struct ext4_attr attr = { .mode = 0755 };
	bool is_link;
	bool merged = ext4_writer_has(job->w, "lib", &is_link) && is_link;
	_cleanup_free_ char *dir = xasprintf("%slib/modules", merged ? "usr/" : "");
	job->target = xasprintf("%s/%s", dir, release);
	if (!merged && !has(job->w, "lib") &&
	    ext4_writer_add_dir(job->w, "lib", &attr, err) < 0)
		return -1;
	if (!has(job->w, dir) && ext4_writer_add_dir(job->w, dir, &attr, err) < 0)
		return -1;
	return ext4_writer_remove(job->w, job->target, err);
}

int inject_modules(const char *disk, const char *modules, const char *release,
		   struct err *err)
{
	_cleanup_(job_destroy) struct job job = { .modules = modules };
	job.chunk = xmalloc(CHUNK_BYTES);
	if (open_root(disk, &job.w, err) < 0 || make_target(&job, release, err) < 0 ||
	    walk_tree(&job, copy_entry, err) < 0)
		return -1;
	return ext4_writer_finish(job.w, err);
}
