/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/delta-apply.h"

#include <fcntl.h>
#include <librsync.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/hash-thread.h"
#include "common/progress.h"
#include "common/zstd-writer.h"

enum {
	IN_BYTES = 128 << 10,
	OUT_BYTES = 256 << 10,
};
uint64_t delta_plain_max = DELTA_AR_MEMBER_MAX;

/* The .deb that is being written. */
struct out {
	int fd;
	uint64_t data_header;	/* offset of data.tar's ar header */
	struct sha256 hash;	/* of data.tar */
	struct hash_thread *file_hash; /* of the file, if somebody asks for it; or NULL */
	uint64_t bytes;
	bool is_packed;
	struct zstd_writer zstd;	/* is_packed: what takes data.tar */
};

struct apply {
	const struct delta *delta;
	struct delta_basis *basis;
	const struct delta_ranges *ranges;	/* of the member that is being made */
	struct out out;
	struct progress *progress;
	char *in, *plain, *made;	/* buffers: read, unpacked, patched */
	int (*go_on)(struct err *err);	/* or NULL */
	struct err err;			/* what reading the basis ran into */
};

static void apply_destroy(struct apply *a)
{
	zstd_writer_close(&a->out.zstd);
	hash_thread_free(a->out.file_hash);
	progress_freep(&a->progress);
	free(a->in);
	free(a->plain);
	free(a->made);
	err_clear(&a->err);
}

static int damaged(const struct delta_member *m, const char *why, struct err *err)
{
	return err_set(err, ERR_INPUT, "the delta is damaged in %s: %s; fetch it again, or the "
		       "full package", m->name, why);
}

/* --- pairs --------------------------------------------------------------------------- */

static int unpack_pair(const struct apply *a, size_t index, char *made, struct err *err)
{
	const struct delta_member *m = &a->delta->meta->members[index];
	size_t prefix_len = (size_t)m->ranges.bytes, packed_len = (size_t)m->packed_bytes;
	_cleanup_free_ char *prefix = xmalloc(prefix_len);
	_cleanup_free_ char *packed = xmalloc(packed_len);
	if (delta_basis_read_ranges(a->basis, &m->ranges, 0, prefix, prefix_len, err) != 0 ||
	    delta_pread(a->delta->fd, packed, packed_len, a->delta->offsets[index], err) != 0)
		return -1;
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	if (!zstd)
		abort();
	size_t rc = ZSTD_DCtx_refPrefix(zstd, prefix, prefix_len);
	if (!ZSTD_isError(rc))
		rc = ZSTD_decompressDCtx(zstd, made, (size_t)m->bytes, packed, packed_len);
	ZSTD_freeDCtx(zstd);
	if (ZSTD_isError(rc))
		return damaged(m, ZSTD_getErrorName(rc), err);
	return rc == m->bytes ? 0 : damaged(m, "it is too short", err);
}

/* Into the file that is the last part of the basis. */
static int make_pair(struct apply *a, size_t index, int extra_fd, struct err *err)
{
	const struct delta_member *m = &a->delta->meta->members[index];
	size_t padded = (size_t)delta_padded(m->bytes);
	_cleanup_free_ char *made = xmalloc(padded);
	memset(made + m->bytes, 0, padded - m->bytes);
	if (a->go_on && a->go_on(err) != 0)
		return -1;
	if (unpack_pair(a, index, made, err) != 0)
		return -1;
	if (write_all(extra_fd, made, padded, err) != 0)
		return err_prefix(err, "what the pairs make");
	delta_basis_grow(a->basis, padded);
	return 0;
}

/* --- data.tar -------------------------------------------------------------------------- */

static int put(struct out *out, const void *data, size_t len, struct err *err)
{
	if (out->file_hash)
		hash_thread_add(out->file_hash, data, len);
	return write_all(out->fd, data, len, err);
}

static int store(struct apply *a, const void *data, size_t len, struct err *err)
{
	struct out *out = &a->out;
	if (a->go_on && a->go_on(err) != 0)
		return -1;
	sha256_add(&out->hash, data, len);
	out->bytes += len;
	progress_add(a->progress, len);
	return out->is_packed ? zstd_writer_add(&out->zstd, data, len, err) : put(out, data, len, err);
}

static rs_result on_copy(void *arg, rs_long_t pos, size_t *len, void **buf)
{
	struct apply *a = arg;
	if (pos < 0 || (uint64_t)pos >= a->ranges->bytes)
		return RS_CORRUPT;
	if (*len > a->ranges->bytes - (uint64_t)pos)
		*len = (size_t)(a->ranges->bytes - (uint64_t)pos);
	return delta_basis_read_ranges(a->basis, a->ranges, (uint64_t)pos, *buf, *len, &a->err) == 0
		       ? RS_DONE : RS_IO_ERROR;
}

/* The unpacked bytes of an rdiff member. */
struct feed {
	const struct delta_member *m;
	int fd;
	uint64_t at, left;	/* of the packed bytes */
	ZSTD_DCtx *zstd;
	ZSTD_inBuffer in;
	bool frame_ended;
};

static int refill(const struct apply *a, struct feed *feed, rs_buffers_t *buf, struct err *err)
{
	ZSTD_outBuffer out = { a->plain, IN_BYTES, 0 };
	while (out.pos == 0 && !feed->frame_ended) {
		if (feed->in.pos == feed->in.size) {
			size_t n = feed->left < IN_BYTES ? (size_t)feed->left : IN_BYTES;
			if (n == 0)
				return damaged(feed->m, "it is too short", err);
			if (delta_pread(feed->fd, a->in, n, feed->at, err) != 0)
				return -1;
			feed->in = (ZSTD_inBuffer){ a->in, n, 0 };
			feed->at += n;
			feed->left -= n;
		}
		size_t rc = ZSTD_decompressStream(feed->zstd, &out, &feed->in);
		if (ZSTD_isError(rc))
			return damaged(feed->m, ZSTD_getErrorName(rc), err);
		feed->frame_ended = rc == 0;
	}
	buf->next_in = a->plain;
	buf->avail_in = out.pos;
	buf->eof_in = feed->frame_ended;
	return 0;
}

static int patch_failed(struct apply *a, const struct delta_member *m, rs_result rc, struct err *err)
{
	if (a->err.code == ERR_NONE)
		return damaged(m, rs_strerror(rc), err);
	*err = a->err;
	a->err = (struct err)ERR_INIT;
	return -1;
}

static int run_patch(struct apply *a, struct feed *feed, rs_job_t *job, struct err *err)
{
	rs_buffers_t buf = { .avail_in = 0 };
	uint64_t made = 0;
	for (;;) {
		if (buf.avail_in == 0 && !buf.eof_in && refill(a, feed, &buf, err) != 0)
			return -1;
		buf.next_out = a->made;
		buf.avail_out = OUT_BYTES;
		size_t before = buf.avail_in;
		rs_result rc = rs_job_iter(job, &buf);
		size_t n = OUT_BYTES - buf.avail_out;
		if (rc != RS_DONE && rc != RS_BLOCKED)
			return patch_failed(a, feed->m, rc, err);
		if (n > feed->m->bytes - made)
			return damaged(feed->m, "it makes too much", err);
		made += n;
		if (store(a, a->made, n, err) != 0)
			return -1;
		if (rc == RS_DONE)
			return made == feed->m->bytes ? 0 : damaged(feed->m, "it makes too little", err);
		if (n == 0 && before == buf.avail_in && buf.eof_in)
			return damaged(feed->m, "it ends early", err);
	}
}

static int make_data(struct apply *a, size_t index, struct err *err)
{
	const struct delta_member *m = &a->delta->meta->members[index];
	struct feed feed = { .m = m, .fd = a->delta->fd, .at = a->delta->offsets[index],
			     .left = m->packed_bytes, .zstd = ZSTD_createDCtx() };
	if (!feed.zstd)
		abort();
	a->ranges = &m->ranges;
	rs_job_t *job = rs_patch_begin(on_copy, a);
	ZSTD_DCtx_setParameter(feed.zstd, ZSTD_d_windowLogMax, DELTA_STREAM_WINDOW_LOG);
	int rc = run_patch(a, &feed, job, err);
	rs_job_free(job);
	ZSTD_freeDCtx(feed.zstd);
	return rc;
}

/* --- the package ----------------------------------------------------------------------- */

/* For a data.tar that no ar member can hold as it is. */
static const struct zstd_param quick = { ZSTD_c_compressionLevel, 1 };

static int write_header(struct out *out, const char *name, uint64_t bytes, struct err *err)
{
	char header[DELTA_AR_HEADER_BYTES + 1];
	delta_ar_header(header, name, bytes);
	return put(out, header, DELTA_AR_HEADER_BYTES, err);
}

static int copy_control(struct apply *a, struct err *err)
{
	const struct delta_meta *meta = a->delta->meta;
	struct sha256 hash;
	char sha256[SHA256_HEX_LEN + 1];
	sha256_start(&hash);
	for (uint64_t done = 0; done < meta->control_bytes;) {
		uint64_t left = meta->control_bytes - done;
		size_t n = left < IN_BYTES ? (size_t)left : IN_BYTES;
		if (delta_pread(a->delta->fd, a->in, n, a->delta->control_offset + done, err) != 0 ||
		    put(&a->out, a->in, n, err) != 0)
			return -1;
		sha256_add(&hash, a->in, n);
		done += n;
	}
	sha256_finish(&hash, sha256);
	if (!str_eq(sha256, meta->control_sha256))
		return err_set(err, ERR_INPUT, "the delta is damaged in %s: its SHA-256 is wrong",
			       meta->control_name);
	return meta->control_bytes & 1 ? put(&a->out, "\n", 1, err) : 0;
}

/* All that comes before the content of data.tar. What it takes packed is filled in at the end. */
static int begin_deb(struct apply *a, struct err *err)
{
	static const char version[] = "2.0\n";
	struct out *out = &a->out;
	const struct delta_meta *meta = a->delta->meta;
	if (put(out, DELTA_AR_MAGIC, strlen(DELTA_AR_MAGIC), err) != 0 ||
	    write_header(out, "debian-binary", strlen(version), err) != 0 ||
	    put(out, version, strlen(version), err) != 0 ||
	    write_header(out, meta->control_name, meta->control_bytes, err) != 0 ||
	    copy_control(a, err) != 0)
		return -1;
	sha256_start(&out->hash);
	out->data_header = (uint64_t)lseek(out->fd, 0, SEEK_CUR);
	out->is_packed = meta->data_bytes > delta_plain_max;
	if (!out->is_packed)
		return write_header(out, "data.tar", meta->data_bytes, err);
	if (write_header(out, "data.tar.zst", 0, err) != 0)
		return -1;
	return zstd_writer_open(&out->zstd, out->fd, &quick, 1, err);
}

static int end_deb(struct apply *a, char *file_sha256, struct err *err)
{
	struct out *out = &a->out;
	const struct delta_meta *meta = a->delta->meta;
	char sha256[SHA256_HEX_LEN + 1], header[DELTA_AR_HEADER_BYTES + 1];
	uint64_t bytes = 0;
	sha256_finish(&out->hash, sha256);
	if (out->bytes != meta->data_bytes || !str_eq(sha256, meta->data_sha256))
		return err_set(err, ERR_INPUT, "what the delta makes is not %s %s: its SHA-256 is "
			       "%s, not %s", meta->package, meta->new_version, sha256,
			       meta->data_sha256);
	if (out->is_packed && zstd_writer_end(&out->zstd, err) != 0)
		return -1;
	uint64_t stored_bytes = out->is_packed ? out->zstd.packed_bytes : out->bytes;
	if (stored_bytes > DELTA_AR_MEMBER_MAX)
		return err_set(err, ERR_TOO_LARGE, "data.tar does not fit into a .deb");
	if (stored_bytes & 1 && put(out, "\n", 1, err) != 0)
		return -1;
	if (file_sha256)
		hash_thread_finish(out->file_hash, file_sha256);
	if (!out->is_packed)
		return 0;
	delta_ar_header(header, "data.tar.zst", stored_bytes);
	if (pwrite(out->fd, header, DELTA_AR_HEADER_BYTES, (off_t)out->data_header) !=
	    DELTA_AR_HEADER_BYTES)
		return err_sys(err, "cannot write the package");
	return file_sha256 ? sha256_fd(out->fd, file_sha256, &bytes, err) : 0;
}

static int make_members(struct apply *a, int extra_fd, struct err *err)
{
	const struct delta_meta *meta = a->delta->meta;
	delta_basis_add(a->basis, extra_fd, 0, 0);
	for (size_t i = 0; i < meta->member_count; i++) {
		int rc = meta->members[i].method == DELTA_PAIR ? make_pair(a, i, extra_fd, err)
							       : make_data(a, i, err);
		if (rc != 0)
			return -1;
	}
	return 0;
}

static int open_extra(const char *beside, struct err *err)
{
	const char *slash = strrchr(beside, '/');
	_cleanup_free_ char *dir = slash ? xstrndup(beside, (size_t)(slash - beside) + 1)
					 : xstrdup(".");
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd >= 0 ? fd : err_sys(err, "cannot make a temporary file in %s", dir);
}

int delta_apply(const struct delta *delta, struct delta_old *old, const char *path,
		int (*go_on)(struct err *err), char *sha256, struct err *err)
{
	_cleanup_(apply_destroy) struct apply a = {
		.delta = delta, .basis = &old->basis, .in = xmalloc(IN_BYTES),
		.plain = xmalloc(IN_BYTES), .made = xmalloc(OUT_BYTES), .go_on = go_on,
		.progress = progress_new("rebuilding", delta->meta->data_bytes),
	};
	_cleanup_(atomic_file_freep) struct atomic_file *file = NULL;
	_cleanup_close_ int extra_fd = open_extra(path, err);
	if (extra_fd < 0 || atomic_file_open(path, 0644, &file, err) != 0)
		return -1;
	a.out.fd = file->fd;
	a.out.file_hash = sha256 ? hash_thread_new() : NULL;
	if (begin_deb(&a, err) != 0 || make_members(&a, extra_fd, err) != 0 ||
	    end_deb(&a, sha256, err) != 0)
		return err_prefix(err, "%s", path);
	return sha256 ? atomic_file_commit_unflushed(file, err) : atomic_file_commit(file, err);
}
