/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/disks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appliance/base-store.h"
#include "appliance/before.h"
#include "appliance/host-kernel.h"
#include "appliance/inject.h"
#include "common/atomic-file.h"
#include "common/vm-disk.h"

/* What a program wrote may still be in memory only; then it gets its name. */
static int settle_file(const char *fresh, const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(fresh, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0600) < 0 || fsync(fd) < 0)
		return err_sys(err, "finish %s", fresh);
	return atomic_rename(fresh, path, err);
}

static int put_modules(const char *disk, const struct host_kernel *kernel, struct err *err)
{
	_cleanup_err_ struct err ignored = ERR_INIT;
	if (inject_modules(disk, kernel->modules, kernel->release, err) == 0)
		return 0;
	(void)!atomic_unlink(disk, &ignored); /* else the next attempt does */
	return err_prefix(err, "modules of %s", kernel->release);
}

int disk_make_overlay(const struct host *host, const char *name, const char *sha256,
		      const struct host_kernel *kernel, struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, OVERLAY_FILE);
	_cleanup_free_ char *fresh = xasprintf("%s.new", path);
	/* Relative, so that the tree means the same seen from inside and outside a root.
	 */
	_cleanup_free_ char *base = xasprintf("../../bases/%s.qcow2", sha256);
	if (atomic_unlink(fresh, err) < 0 || vm_disk_overlay(fresh, base, err) < 0 ||
	    (kernel && put_modules(fresh, kernel, err) < 0))
		return -1;
	return settle_file(fresh, path, err);
}

int disk_make_data(const struct host *host, const char *name, uint64_t bytes,
		   struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, DATA_FILE);
	_cleanup_free_ char *fresh = xasprintf("%s.new", path);
	return vm_disk_data(fresh, bytes, err) < 0 ? -1 : settle_file(fresh, path, err);
}

int disk_make_data_overlay(const struct host *host, const char *name, struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, DATA_FILE);
	_cleanup_free_ char *fresh = xasprintf("%s.new", path);
	if (atomic_unlink(fresh, err) < 0 ||
	    vm_disk_overlay(fresh, BEFORE_DIR "/" DATA_FILE, err) < 0)
		return -1;
	return settle_file(fresh, path, err);
}

int disk_commit_data(const struct host *host, const char *name, struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, DATA_FILE);
	return vm_disk_commit(path, err);
}

int disk_make_swap(const struct host *host, const char *name, uint64_t bytes,
		   struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, SWAP_FILE);
	_cleanup_free_ char *fresh = xasprintf("%s.new", path);
	return vm_disk_swap(fresh, bytes, err) < 0 ? -1 : settle_file(fresh, path, err);
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
