/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/deb-write.h"

#include <errno.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/archive-util.h"

enum { CHUNK_BYTES = 1 << 20 };

struct ar {
	struct archive *archive;
	const char *path;
	int64_t mtime;
};

/* libarchive only warns when a size does not fit its field (3.6.2): fatal here. */
static int ar_check(const struct ar *ar, int rc, struct err *err)
{
	if (rc == ARCHIVE_OK)
		return 0;
	const char *why = archive_error_string(ar->archive);
	int code = archive_errno(ar->archive) == ENOSPC ? ERR_NO_SPACE : ERR_SYSTEM;
	return err_set(err, (enum err_code)code, "cannot write %s: %s", ar->path,
		       why ? why : "unknown error");
}

static int add_header(const struct ar *ar, const char *name, uint64_t size, struct err *err)
{
	if (size > AR_MEMBER_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "%s would have %llu bytes, a .deb can hold "
			       "9,999,999,999", name, (unsigned long long)size);
	_cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (int64_t)size);
	archive_entry_set_mtime(entry, ar->mtime, 0);
	return ar_check(ar, archive_write_header(ar->archive, entry), err);
}

static int add_bytes(const struct ar *ar, const void *data, size_t len, struct err *err)
{
	la_ssize_t n = archive_write_data(ar->archive, data, len);
	return ar_check(ar, n == (la_ssize_t)len ? ARCHIVE_OK : ARCHIVE_FATAL, err);
}

static int add_member(const struct ar *ar, const char *name,
		      const struct tar_spool_result *tar, struct err *err)
{
	_cleanup_free_ char *buf = xmalloc(CHUNK_BYTES);
	if (add_header(ar, name, tar->compressed_bytes, err) != 0)
		return -1;
	for (uint64_t done = 0; done < tar->compressed_bytes;) {
		ssize_t n = pread(tar->fd, buf, CHUNK_BYTES, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read the spooled %s", name);
		if (n == 0)
			return err_set(err, ERR_INCONSISTENT, "the spooled %s has become shorter", name);
		if (add_bytes(ar, buf, (size_t)n, err) != 0)
			return -1;
		done += (uint64_t)n;
	}
	return 0;
}

int deb_write(const char *path, const struct tar_spool_result *control,
	      const struct tar_spool_result *data, int64_t mtime, struct err *err)
{
	static const char version[] = "2.0\n";
	_cleanup_(atomic_file_freep) struct atomic_file *file = NULL;
	_cleanup_(archive_write_freep) struct archive *a = archive_write_new();
	struct ar ar = { a, path, mtime };
	if (atomic_file_open(path, 0644, &file, err) != 0)
		return -1;
	archive_write_set_format_ar_bsd(a);
	if (ar_check(&ar, archive_write_open_fd(a, file->fd), err) != 0 ||
	    add_header(&ar, "debian-binary", strlen(version), err) != 0 ||
	    add_bytes(&ar, version, strlen(version), err) != 0 ||
	    add_member(&ar, "control.tar.zst", control, err) != 0 ||
	    add_member(&ar, "data.tar.zst", data, err) != 0 ||
	    ar_check(&ar, archive_write_close(a), err) != 0)
		return -1;
	return atomic_file_commit(file, err);
}
