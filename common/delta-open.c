/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a delta and the files that it starts from. */
#include "common/delta-apply.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "common/appliance-conf.h"
#include "common/hash.h"

void delta_free(struct delta *delta)
{
	if (!delta)
		return;
	closep(&delta->fd);
	free(delta->path);
	delta_meta_freep(&delta->meta);
	free(delta->offsets);
	free(delta);
}

static int open_regular(const char *path, int *fd, uint64_t *bytes, struct err *err)
{
	struct stat st;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no file %s", path);
	if (*fd < 0 || fstat(*fd, &st) != 0)
		return err_sys(err, "cannot open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT, "%s is no regular file", path);
	*bytes = (uint64_t)st.st_size;
	return 0;
}

/* --- the container ------------------------------------------------------------------ */

/* Where the walk through the file is. */
struct walk {
	int fd;
	uint64_t at, end;
};

static int next_member(struct walk *walk, const char *name, uint64_t *offset, uint64_t *bytes,
		       struct err *err)
{
	char header[DELTA_AR_HEADER_BYTES];
	if (walk->end - walk->at < sizeof(header))
		return err_set(err, ERR_INPUT, "the delta is truncated before its member %s", name);
	if (delta_pread(walk->fd, header, sizeof(header), walk->at, err) != 0 ||
	    delta_ar_parse(header, name, bytes, err) != 0)
		return -1;
	*offset = walk->at + sizeof(header);
	if (*bytes > walk->end - *offset || (*bytes & 1) > walk->end - *offset - *bytes)
		return err_set(err, ERR_INPUT, "the delta is truncated in its member %s", name);
	walk->at = *offset + *bytes + (*bytes & 1);
	return 0;
}

static int unpack_meta(const void *packed, size_t len, struct delta_meta **meta, struct err *err)
{
	unsigned long long bytes = ZSTD_getFrameContentSize(packed, len);
	if (bytes == ZSTD_CONTENTSIZE_ERROR || bytes == ZSTD_CONTENTSIZE_UNKNOWN ||
	    bytes > DELTA_MAX_META_BYTES)
		return err_set(err, ERR_INPUT, DELTA_META_MEMBER " is no zstd frame of at most %d "
			       "bytes", DELTA_MAX_META_BYTES);
	_cleanup_free_ char *text = xmalloc((size_t)bytes + 1);
	size_t rc = ZSTD_decompress(text, (size_t)bytes, packed, len);
	if (ZSTD_isError(rc) || rc != bytes)
		return err_set(err, ERR_INPUT, DELTA_META_MEMBER " is damaged: %s",
			       ZSTD_isError(rc) ? ZSTD_getErrorName(rc) : "too short");
	return delta_meta_parse(text, rc, meta, err);
}

static int read_meta(struct delta *delta, struct walk *walk, struct err *err)
{
	char magic[sizeof(DELTA_AR_MAGIC) - 1];
	uint64_t offset = 0, bytes = 0;
	if (walk->end < sizeof(magic))
		return err_set(err, ERR_INPUT, "it is no delta: it has only %llu bytes",
			       (unsigned long long)walk->end);
	if (delta_pread(walk->fd, magic, sizeof(magic), 0, err) != 0)
		return -1;
	if (memcmp(magic, DELTA_AR_MAGIC, sizeof(magic)) != 0)
		return err_set(err, ERR_INPUT, "it is no delta: it is no ar archive");
	walk->at = sizeof(magic);
	if (next_member(walk, DELTA_META_MEMBER, &offset, &bytes, err) != 0)
		return -1;
	if (bytes > DELTA_MAX_META_PACKED)
		return err_set(err, ERR_TOO_LARGE, DELTA_META_MEMBER " has more than %d bytes",
			       DELTA_MAX_META_PACKED);
	_cleanup_free_ char *packed = xmalloc((size_t)bytes);
	if (delta_pread(walk->fd, packed, (size_t)bytes, offset, err) != 0)
		return -1;
	return unpack_meta(packed, (size_t)bytes, &delta->meta, err);
}

static int read_members(struct delta *delta, struct walk *walk, struct err *err)
{
	const struct delta_meta *meta = delta->meta;
	uint64_t bytes = 0;
	if (next_member(walk, meta->control_name, &delta->control_offset, &bytes, err) != 0)
		return -1;
	if (bytes != meta->control_bytes)
		return err_set(err, ERR_INPUT, "%s has another size than the table says",
			       meta->control_name);
	delta->offsets = xcalloc(meta->member_count, sizeof(*delta->offsets));
	for (size_t i = 0; i < meta->member_count; i++) {
		const struct delta_member *m = &meta->members[i];
		if (next_member(walk, m->name, &delta->offsets[i], &bytes, err) != 0)
			return -1;
		if (bytes != m->packed_bytes)
			return err_set(err, ERR_INPUT, "%s has another size than the table says",
				       m->name);
	}
	if (walk->at != walk->end)
		return err_set(err, ERR_INPUT, "there is rubbish after the last member");
	return 0;
}

int delta_open(const char *path, struct delta **out, struct err *err)
{
	_cleanup_(delta_freep) struct delta *delta = xcalloc(1, sizeof(*delta));
	struct walk walk = { .fd = -1 };
	*out = NULL;
	delta->fd = -1;
	delta->path = xstrdup(path);
	if (open_regular(path, &delta->fd, &walk.end, err) != 0)
		return -1;
	walk.fd = delta->fd;
	if (read_meta(delta, &walk, err) != 0 || read_members(delta, &walk, err) != 0)
		return err_prefix(err, "%s", path);
	*out = steal(&delta);
	return 0;
}

/* --- the old files -------------------------------------------------------------------- */

void delta_old_close(struct delta_old *old)
{
	for (size_t i = 0; i < old->fd_count; i++)
		closep(&old->fds[i]);
	*old = (struct delta_old)DELTA_OLD_INIT;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* What is known of a file may be wrong all the same: what is made of it is hashed, too. */
static int hash_file(const struct delta_old *old, int fd, char sha256[SHA256_HEX_LEN + 1],
		     uint64_t *bytes, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_sys(err, "stat the basis of the delta");
	for (size_t i = 0; i < old->known_count; i++) {
		const struct stat *was = &old->known[i].st;
		if (st.st_dev != was->st_dev || st.st_ino != was->st_ino || st.st_size != was->st_size ||
		    !same_time(&st.st_mtim, &was->st_mtim) || !same_time(&st.st_ctim, &was->st_ctim))
			continue;
		memcpy(sha256, old->known[i].sha256, SHA256_HEX_LEN + 1);
		*bytes = (uint64_t)st.st_size;
		return 0;
	}
	return sha256_fd(fd, sha256, bytes, err);
}

/* Take over fd. A basis that differs makes garbage at best: better said now, and why. */
static int add_file(struct delta_old *old, const struct delta *delta, int fd, struct err *err)
{
	const struct delta_meta *meta = delta->meta;
	const struct delta_basis_file *want = &meta->basis[old->fd_count];
	char sha256[SHA256_HEX_LEN + 1];
	uint64_t bytes = 0;
	old->fds[old->fd_count++] = fd;
	if (hash_file(old, fd, sha256, &bytes, err) != 0)
		return -1;
	if (!str_eq(sha256, want->sha256))
		return err_set(err, ERR_INPUT, "%s is not that of %s %s, which this delta starts "
			       "from: it is of another version, or was altered", want->name,
			       meta->package, meta->old_version);
	delta_basis_add(&old->basis, fd, 0, bytes);
	return 0;
}

/* Sizes first: most wrong files are found so, at no cost. */
static int check_sizes(const struct delta *delta, const int *fds, struct err *err)
{
	for (size_t i = 0; i < delta->meta->basis_count; i++) {
		struct stat st;
		const struct delta_basis_file *want = &delta->meta->basis[i];
		if (fstat(fds[i], &st) != 0)
			return err_sys(err, "stat %s", want->name);
		if ((uint64_t)st.st_size != want->bytes)
			return err_set(err, ERR_INPUT, "%s is not that of %s %s, which this delta "
				       "starts from: it has %lld bytes, not %llu", want->name,
				       delta->meta->package, delta->meta->old_version,
				       (long long)st.st_size, (unsigned long long)want->bytes);
	}
	return 0;
}

static void close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		closep(&fds[i]);
}

/* Owns all of `fds`, which are not in old->fds yet. */
static int add_files(struct delta_old *old, const struct delta *delta, int *fds, struct err *err)
{
	size_t count = delta->meta->basis_count;
	int rc = check_sizes(delta, fds, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = add_file(old, delta, steal_fd(&fds[i]), err);
	close_all(fds, count);
	return rc;
}

int delta_old_from_paths(struct delta_old *old, const struct delta *delta,
			 const char *const *paths, struct err *err)
{
	int fds[DELTA_MAX_BASIS];
	for (size_t i = 0; i < delta->meta->basis_count; i++) {
		uint64_t bytes = 0;
		if (open_regular(paths[i], &fds[i], &bytes, err) != 0) {
			close_all(fds, fds[i] < 0 ? i : i + 1);
			return -1;
		}
	}
	return add_files(old, delta, fds, err);
}

int delta_old_from_dir(struct delta_old *old, const struct delta *delta, const char *dir,
		       struct err *err)
{
	char *paths[DELTA_MAX_BASIS] = { NULL };
	size_t count = delta->meta->basis_count;
	for (size_t i = 0; i < count; i++)
		paths[i] = xasprintf("%s/%s", dir, delta->meta->basis[i].name);
	int rc = delta_old_from_paths(old, delta, (const char *const *)paths, err);
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	return rc;
}

static int extract(const struct delta *delta, size_t i, const struct deb *deb, const char *tmp_dir,
		   int *fd, struct err *err)
{
	_cleanup_free_ char *path = xasprintf(APPLIANCES_DIR "/%s/%s", delta->meta->package,
					      delta->meta->basis[i].name);
	*fd = open(tmp_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*fd < 0)
		return err_sys(err, "cannot make a temporary file in %s", tmp_dir);
	return deb_data_extract(deb, path, *fd, err);
}

int delta_old_from_deb(struct delta_old *old, const struct delta *delta, const struct deb *deb,
		       const char *tmp_dir, struct err *err)
{
	int fds[DELTA_MAX_BASIS];
	const char *version = deb_field(deb, "Version");
	if (!str_same(deb_field(deb, "Package"), delta->meta->package) ||
	    !str_same(version, delta->meta->old_version))
		return err_set(err, ERR_INPUT, "%s is not %s %s, which this delta starts from",
			       deb->path, delta->meta->package, delta->meta->old_version);
	for (size_t i = 0; i < delta->meta->basis_count; i++)
		if (extract(delta, i, deb, tmp_dir, &fds[i], err) != 0) {
			close_all(fds, fds[i] < 0 ? i : i + 1);
			return -1;
		}
	return add_files(old, delta, fds, err);
}
