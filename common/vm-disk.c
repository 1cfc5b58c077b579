/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/vm-disk.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/subproc.h"

enum { TOOL_TIMEOUT_MS = 10 * 60 * 1000, PAGE_BYTES = 4096 };

static int run_tool(const char *const *argv, struct err *err)
{
	return subproc_run(&(struct subproc){ .argv = argv,
					      .quiet = true,
					      .timeout_ms = TOOL_TIMEOUT_MS },
			   NULL, err);
}

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

int vm_disk_overlay(const char *path, const char *base, struct err *err)
{
	const char *const argv[] = { "qemu-img", "create", "-q", "-f",  "qcow2", "-F",
				     "qcow2",    "-b",     base, path, NULL };
	return run_tool(argv, err);
}

int vm_disk_commit(const char *path, struct err *err)
{
	const char *const argv[] = { "qemu-img", "commit", "-q", "-d",
				     "-f",       "qcow2",  path, NULL };
	return run_tool(argv, err);
}

int vm_disk_data(const char *path, uint64_t bytes, struct err *err)
{
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
	const char *const convert[] = { "qemu-img", "convert", "-q", "-f", "raw",
					"-O",       "qcow2",   raw,  path, NULL };
	if (make_sparse(raw, bytes, err) < 0 || run_tool(mke2fs, err) < 0 ||
	    run_tool(convert, err) < 0)
		return -1;
	return atomic_unlink(raw, err);
}

int vm_disk_swap(const char *path, uint64_t bytes, struct err *err)
{
	const char *const argv[] = { "mkswap", "-q", "-L", "waybill-swap", path, NULL };
	if (make_sparse(path, bytes - bytes % PAGE_BYTES, err) < 0)
		return -1;
	return run_tool(argv, err);
}
