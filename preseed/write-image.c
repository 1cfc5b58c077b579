/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/write-image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/progress.h"
#include "common/util.h"

enum { CHUNK_BYTES = 1 << 20 };

/* Up to len bytes, less only at the end of the file. */
static ssize_t read_full(int fd, char *buffer, size_t len)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = read(fd, buffer + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* The next piece of the image. */
static int read_image(int image, char *buffer, size_t want, struct err *err)
{
	ssize_t n = read_full(image, buffer, want);
	if (n < 0)
		return err_sys(err, "cannot read the image");
	return (size_t)n == want ? 0 : err_set(err, ERR_INPUT, "the image became shorter");
}

static size_t piece(uint64_t left)
{
	return left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
}

static int rewind_both(int image, int device, struct err *err)
{
	return lseek(image, 0, SEEK_SET) < 0 || lseek(device, 0, SEEK_SET) < 0
		       ? err_sys(err, "cannot seek")
		       : 0;
}

static int copy(int image, int device, uint64_t size_bytes, const char *path, struct err *err)
{
	_cleanup_free_ char *buffer = xmalloc(CHUNK_BYTES);
	_cleanup_(progress_freep) struct progress *bar = progress_new("writing", size_bytes);
	if (rewind_both(image, device, err) < 0)
		return -1;
	for (uint64_t done = 0; done < size_bytes;) {
		size_t len = piece(size_bytes - done);
		if (read_image(image, buffer, len, err) < 0)
			return -1;
		if (write_all(device, buffer, len, err) < 0)
			return err_prefix(err, "cannot write to %s at byte %llu", path,
					  (unsigned long long)done);
		/* So that the bar shows the stick's speed, not the page cache's. */
		if (sync_file_range(device, (off_t)done, (off_t)len,
				    SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) < 0)
			return err_sys(err, "cannot write to %s", path);
		done += len;
		progress_set(bar, done);
	}
	return fsync(device) == 0 ? 0 : err_sys(err, "cannot write to %s", path);
}

/* What is read next comes from the medium. A file (in a test) has no such request. */
static void forget_cached(int device, uint64_t size_bytes)
{
	(void)!ioctl(device, BLKFLSBUF);
	(void)!posix_fadvise(device, 0, (off_t)size_bytes, POSIX_FADV_DONTNEED);
}

static int compare(int image, int device, uint64_t size_bytes, const char *path, struct err *err)
{
	_cleanup_free_ char *want = xmalloc(CHUNK_BYTES);
	_cleanup_free_ char *got = xmalloc(CHUNK_BYTES);
	_cleanup_(progress_freep) struct progress *bar = progress_new("checking", size_bytes);
	if (rewind_both(image, device, err) < 0)
		return -1;
	for (uint64_t done = 0; done < size_bytes;) {
		size_t len = piece(size_bytes - done);
		if (read_image(image, want, len, err) < 0)
			return -1;
		if (read_full(device, got, len) != (ssize_t)len)
			return err_sys(err, "cannot read back %s at byte %llu", path,
				       (unsigned long long)done);
		if (memcmp(want, got, len) != 0)
			return err_set(err, ERR_INCONSISTENT, "%s does not keep what was written to it (in "
				       "the MiB at byte %llu): the stick is broken or smaller than "
				       "it says; take another", path, (unsigned long long)done);
		done += len;
		progress_set(bar, done);
	}
	return 0;
}

int write_image(int image, int device, uint64_t size_bytes, const char *path, struct err *err)
{
	if (copy(image, device, size_bytes, path, err) < 0)
		return -1;
	forget_cached(device, size_bytes);
	if (compare(image, device, size_bytes, path, err) < 0)
		return -1;
	(void)!ioctl(device, BLKRRPART); /* the kernel's view of it; nobody depends on it */
	return 0;
}
