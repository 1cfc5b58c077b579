/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/tar-spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/archive-util.h"
#include "common/zstd-writer.h"

enum {
	/* bench/imagepkg.sh measures what these cost. */
	LEVEL = 12,
	SMALL_LEVEL = 19,
	SMALL_BYTES = 96 << 20,	/* level 19 takes some 20 s for so much on two cores */
	WINDOW_LOG = 27,	/* the most that decoders take by default */
	JOB_BYTES = 8 << 20,	/* without it a window of 2^27 makes jobs of 512 MiB */
	MAX_WORKERS = 4,	/* each costs 55 MiB; with four we stay below 512 MiB */
	CHUNK_BYTES = 1 << 20,
};

struct tar_spool {
	int fd;
	int64_t mtime;
	struct archive *archive;
	struct zstd_writer zstd;
	struct sha256 hash;
	uint64_t tar_bytes;
	struct err err;		/* what the write callback ran into */
};

static int start_zstd(struct tar_spool *spool, int level, struct err *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const struct zstd_param params[] = {
		{ ZSTD_c_compressionLevel, level },
		{ ZSTD_c_windowLog, WINDOW_LOG },
		{ ZSTD_c_enableLongDistanceMatching, 1 },
		{ ZSTD_c_checksumFlag, 1 },
		/* Never 0: the single-threaded path makes other bytes. */
		{ ZSTD_c_nbWorkers, cpus < 1 ? 1 : cpus > MAX_WORKERS ? MAX_WORKERS : (int)cpus },
		{ ZSTD_c_jobSize, JOB_BYTES },
	};
	return zstd_writer_open(&spool->zstd, spool->fd, params, ARRAY_SIZE(params), err);
}

static int check_size(const struct tar_spool *spool, struct err *err)
{
	if (spool->zstd.packed_bytes <= AR_MEMBER_MAX_BYTES)
		return 0;
	return err_set(err, ERR_TOO_LARGE, "the package would be larger than the 9,999,999,999 bytes "
		       "that a .deb can hold; move what is not part of the system to the Data disk, "
		       "or into an appliance of its own");
}

static la_ssize_t on_tar_bytes(struct archive *a, void *arg, const void *data, size_t len)
{
	struct tar_spool *spool = arg;
	sha256_add(&spool->hash, data, len);
	spool->tar_bytes += len;
	if (zstd_writer_add(&spool->zstd, data, len, &spool->err) != 0 ||
	    check_size(spool, &spool->err) != 0) {
		archive_set_error(a, EIO, "%s", spool->err.msg);
		return ARCHIVE_FATAL;
	}
	return (la_ssize_t)len;
}

/* A warning of libarchive means that something was cut: never fine here. */
static int tar_check(struct tar_spool *spool, int rc, const char *path, struct err *err)
{
	if (rc == ARCHIVE_OK)
		return 0;
	if (spool->err.code != ERR_NONE) {
		*err = spool->err;
		spool->err = (struct err)ERR_INIT;
		return err_prefix(err, "cannot pack %s", path);
	}
	const char *why = archive_error_string(spool->archive);
	return err_set(err, ERR_SYSTEM, "cannot pack %s: %s", path, why ? why : "unknown error");
}

int tar_spool_new(const char *tmp_dir, int64_t mtime, uint64_t expected_bytes,
		  struct tar_spool **out, struct err *err)
{
	_cleanup_(tar_spool_freep) struct tar_spool *spool = xcalloc(1, sizeof(*spool));
	*out = NULL;
	spool->mtime = mtime;
	sha256_start(&spool->hash);
	spool->fd = open(tmp_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spool->fd < 0)
		return err_sys(err, "cannot make a temporary file in %s", tmp_dir);
	if (start_zstd(spool, expected_bytes <= SMALL_BYTES ? SMALL_LEVEL : LEVEL, err) != 0)
		return -1;
	spool->archive = archive_write_new();
	archive_write_set_format_gnutar(spool->archive);
	archive_write_set_bytes_per_block(spool->archive, 0);	/* our callback wants it all */
	int rc = archive_write_open(spool->archive, spool, NULL, on_tar_bytes, NULL);
	if (tar_check(spool, rc, "the archive", err) != 0)
		return -1;
	*out = steal(&spool);
	return 0;
}

void tar_spool_free(struct tar_spool *spool)
{
	if (!spool)
		return;
	if (spool->archive)
		archive_write_free(spool->archive);
	zstd_writer_close(&spool->zstd);
	if (spool->fd >= 0)
		close(spool->fd);
	err_clear(&spool->err);
	free(spool);
}

static int add_header(struct tar_spool *spool, const char *path, unsigned type, mode_t mode,
		      uint64_t size, struct err *err)
{
	_cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();
	_cleanup_free_ char *name = xasprintf("./%s%s", path, type == AE_IFDIR && *path ? "/" : "");
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_size(entry, (int64_t)size);
	archive_entry_set_mtime(entry, spool->mtime, 0);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_uname(entry, "root");
	archive_entry_set_gname(entry, "root");
	return tar_check(spool, archive_write_header(spool->archive, entry), path, err);
}

static int add_data(struct tar_spool *spool, const char *path, const void *data, size_t len,
		    struct err *err)
{
	if (len == 0)
		return 0;
	la_ssize_t n = archive_write_data(spool->archive, data, len);
	return tar_check(spool, n == (la_ssize_t)len ? ARCHIVE_OK : ARCHIVE_FATAL, path, err);
}

static void add_md5_line(struct strbuf *md5sums, struct md5_ctx *md5, const char *path)
{
	uint8_t digest[MD5_DIGEST_SIZE];
	md5_digest(md5, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		strbuf_addf(md5sums, "%02x", digest[i]);
	strbuf_addf(md5sums, "  %s\n", path);
}

int tar_spool_add_dir(struct tar_spool *spool, const char *path, struct err *err)
{
	return add_header(spool, path, AE_IFDIR, 0755, 0, err);
}

int tar_spool_add_text(struct tar_spool *spool, const char *path, mode_t mode,
		       const void *data, size_t len, struct strbuf *md5sums, struct err *err)
{
	if (add_header(spool, path, AE_IFREG, mode, len, err) != 0 ||
	    add_data(spool, path, data, len, err) != 0)
		return -1;
	if (md5sums) {
		struct md5_ctx md5;
		md5_init(&md5);
		md5_update(&md5, len, data);
		add_md5_line(md5sums, &md5, path);
	}
	return 0;
}

/* Exactly `size` bytes, which the header has promised. */
static int copy_in(struct tar_spool *spool, const char *path, int fd, uint64_t size,
		   struct progress *progress, struct md5_ctx *md5, struct err *err)
{
	_cleanup_free_ char *buf = xmalloc(CHUNK_BYTES);
	for (uint64_t done = 0; done < size;) {
		size_t want = size - done < CHUNK_BYTES ? (size_t)(size - done) : CHUNK_BYTES;
		ssize_t n = read(fd, buf, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read the source of %s", path);
		if (n == 0)
			return err_set(err, ERR_INPUT, "the source of %s became shorter while "
				       "it was read", path);
		md5_update(md5, (size_t)n, (uint8_t *)buf);
		if (add_data(spool, path, buf, (size_t)n, err) != 0)
			return -1;
		done += (uint64_t)n;
		if (progress)
			progress_add(progress, (uint64_t)n);
	}
	return 0;
}

int tar_spool_add_file(struct tar_spool *spool, const char *path, const char *source,
		       struct progress *progress, struct strbuf *md5sums, struct err *err)
{
	struct stat st;
	struct md5_ctx md5;
	_cleanup_close_ int fd = open(source, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(err, "cannot open %s", source);
	md5_init(&md5);
	if (add_header(spool, path, AE_IFREG, 0644, (uint64_t)st.st_size, err) != 0 ||
	    copy_in(spool, path, fd, (uint64_t)st.st_size, progress, &md5, err) != 0)
		return -1;
	if (md5sums)
		add_md5_line(md5sums, &md5, path);
	return 0;
}

int tar_spool_finish(struct tar_spool *spool, struct tar_spool_result *result, struct err *err)
{
	if (tar_check(spool, archive_write_close(spool->archive), "the end", err) != 0 ||
	    zstd_writer_end(&spool->zstd, err) != 0 || check_size(spool, err) != 0)
		return -1;
	if (lseek(spool->fd, 0, SEEK_SET) != 0)
		return err_sys(err, "cannot rewind the spool file");
	*result = (struct tar_spool_result){ .fd = spool->fd,
					     .compressed_bytes = spool->zstd.packed_bytes,
					     .tar_bytes = spool->tar_bytes };
	sha256_finish(&spool->hash, result->tar_sha256);
	return 0;
}
