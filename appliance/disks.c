/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/disks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appliance/base-store.h"
#include "appliance/before.h"
#include "common/atomic-file.h"
#include "common/strv.h"
#include "common/subproc.h"

enum { TOOL_TIMEOUT_MS = 10 * 60 * 1000, PAGE_BYTES = 4096 };

static int run_tool(const char *const *argv, struct err *err)
{
	return subproc_run(&(struct subproc){ .argv = argv,
					      .quiet = true,
					      .timeout_ms = TOOL_TIMEOUT_MS },
			   NULL, err);
}

/* What a program wrote may still be in memory only; then it gets its name. */
static int settle_file(const char *fresh, const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(fresh, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0600) < 0 || fsync(fd) < 0)
		return err_sys(err, "finish %s", fresh);
	return atomic_rename(fresh, path, err);
}

/* An empty sparse file in the way of nothing. */
static int make_sparse(const char *path, uint64_t bytes, struct err *err)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "create %s", path);
	if (ftruncate(fd, (off_t)bytes) < 0)
		return err_sys(err, "make %s %llu bytes long", path,
			       (unsigned long long)bytes);
	return 0;
}

int disk_make_overlay(const struct host *host, const char *name, const char *sha256,
		      struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, OVERLAY_FILE);
	_cleanup_free_ char *fresh = xasprintf("%s.new", path);
	/* Relative, so that the tree means the same seen from inside and outside a root.
	 */
	_cleanup_free_ char *base = xasprintf("../../bases/%s.qcow2", sha256);
	const char *const argv[] = { "qemu-img", "create", "-q", "-f",  "qcow2", "-F",
				     "qcow2",    "-b",     base, fresh, NULL };
	if (atomic_unlink(fresh, err) < 0 || run_tool(argv, err) < 0)
		return -1;
	return settle_file(fresh, path, err);
}

int disk_make_data(const struct host *host, const char *name, uint64_t bytes,
		   struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, DATA_FILE);
	_cleanup_free_ char *fresh = xasprintf("%s.new", path);
	_cleanup_free_ char *raw = xasprintf("%s.raw", path);
	/* Lazy: the guest's kernel zeroes inode tables and journal when it has time. */
	const char *const mke2fs[] = { "mke2fs",
				       "-q",
				       "-F",
				       "-t",
				       "ext4",
				       "-L",
				       "waybill-data",
				       "-E",
				       "lazy_itable_init=1,lazy_journal_init=1",
				       raw,
				       NULL };
	const char *const convert[] = { "qemu-img", "convert", "-q", "-f",  "raw",
					"-O",       "qcow2",   raw,  fresh, NULL };
	if (make_sparse(raw, bytes, err) < 0 || run_tool(mke2fs, err) < 0 ||
	    run_tool(convert, err) < 0)
		return -1;
	return settle_file(fresh, path, err) < 0 ? -1 : atomic_unlink(raw, err);
}

int disk_make_data_overlay(const struct host *host, const char *name, struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, DATA_FILE);
	_cleanup_free_ char *fresh = xasprintf("%s.new", path);
	const char *const argv[] = { "qemu-img", "create", "-q", "-f",
				     "qcow2",    "-F",     "qcow2", "-b",
				     BEFORE_DIR "/" DATA_FILE, fresh, NULL };
	if (atomic_unlink(fresh, err) < 0 || run_tool(argv, err) < 0)
		return -1;
	return settle_file(fresh, path, err);
}

int disk_commit_data(const struct host *host, const char *name, struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, DATA_FILE);
	const char *const argv[] = { "qemu-img", "commit", "-q", "-d",
				     "-f",       "qcow2",  path, NULL };
	return run_tool(argv, err);
}

int disk_make_swap(const struct host *host, const char *name, uint64_t bytes,
		   struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, SWAP_FILE);
	_cleanup_free_ char *fresh = xasprintf("%s.new", path);
	const char *const argv[] = { "mkswap", "-q", "-L", "waybill-swap", fresh, NULL };
	if (make_sparse(fresh, bytes - bytes % PAGE_BYTES, err) < 0 ||
	    run_tool(argv, err) < 0)
		return -1;
	return settle_file(fresh, path, err);
}

static int copy_bytes(int in, int out, struct err *err)
{
	for (;;) {
		ssize_t n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);
		if (n == 0)
			return 0;
		if (n < 0)
			return err_sys(err, "copy");
	}
}

int disk_copy_file(const struct host *host, const char *name, const char *from,
		   const char *file, struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, file);
	_cleanup_(atomic_file_freep) struct atomic_file *copy = NULL;
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return err_sys(err, "open %s", from);
	if (atomic_file_open(path, 0600, &copy, err) < 0)
		return -1;
	if (copy_bytes(in, copy->fd, err) < 0)
		return err_prefix(err, "%s to %s", from, path);
	return atomic_file_commit(copy, err);
}
