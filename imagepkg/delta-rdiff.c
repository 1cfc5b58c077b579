/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The librsync part of a delta: all that the pairs have not made is a copy by now. */
#include "imagepkg/delta-pack.h"

#include <librsync.h>

#include "common/progress.h"
#include "common/zstd-writer.h"

enum {
	STRONG_BYTES = 20,
	IN_BYTES = 1 << 20,
	OUT_BYTES = 256 << 10,
	LEVEL = 19,
};

/* librsync's index takes some 50 bytes for each block of 4 KiB: 100 MiB. A larger basis is cut:
 * each part of the new file then looks for its like in its part of the old ones. */
uint64_t delta_segment_bytes = UINT64_C(8) << 30;

/* Bytes in, through librsync, and what comes out of it into a sink. */
struct pump {
	rs_job_t *job;
	const char *in;		/* IN_BYTES */
	char *out;		/* OUT_BYTES */
	int (*fill)(void *arg, void *buf, size_t *len, struct err *err);	/* *len 0: the end */
	void *fill_arg;
	int (*sink)(void *arg, const void *data, size_t len, struct err *err);
	void *sink_arg;
};

static int run(struct pump *p, struct err *err)
{
	rs_buffers_t buf = { .avail_in = 0 };
	_cleanup_free_ char *in = xmalloc(IN_BYTES);
	_cleanup_free_ char *out = xmalloc(OUT_BYTES);
	rs_result rc = RS_BLOCKED;
	while (rc == RS_BLOCKED) {
		/* It wants to see more than it has used up. */
		if (!buf.eof_in && buf.avail_in < IN_BYTES / 2) {
			memmove(in, buf.next_in ? buf.next_in : in, buf.avail_in);
			size_t n = IN_BYTES - buf.avail_in;
			if (p->fill(p->fill_arg, in + buf.avail_in, &n, err) != 0)
				return -1;
			buf.next_in = in;
			buf.avail_in += n;
			buf.eof_in = n == 0;
		}
		buf.next_out = out;
		buf.avail_out = OUT_BYTES;
		rc = rs_job_iter(p->job, &buf);
		size_t made = OUT_BYTES - buf.avail_out;
		if (made > 0 && p->sink(p->sink_arg, out, made, err) != 0)
			return -1;
	}
	return rc == RS_DONE ? 0 : err_set(err, ERR_SYSTEM, "librsync: %s", rs_strerror(rc));
}

/* --- signature --------------------------------------------------------------------------- */

struct basis_reader {
	const struct delta_basis *basis;
	const struct delta_ranges *ranges;
	uint64_t at;
	struct progress *progress;
};

static int read_basis(void *arg, void *buf, size_t *len, struct err *err)
{
	struct basis_reader *r = arg;
	if (*len > r->ranges->bytes - r->at)
		*len = (size_t)(r->ranges->bytes - r->at);
	if (delta_basis_read_ranges(r->basis, r->ranges, r->at, buf, *len, err) != 0)
		return -1;
	r->at += *len;
	progress_add(r->progress, *len);
	return 0;
}

/* Straight into the job that loads it: a signature never lies anywhere. */
static int load(void *arg, const void *data, size_t len, struct err *err)
{
	rs_job_t *job = arg;
	rs_buffers_t buf = { .next_in = (char *)(uintptr_t)data, .avail_in = len };
	while (buf.avail_in > 0) {
		size_t before = buf.avail_in;
		rs_result rc = rs_job_iter(job, &buf);
		if (rc != RS_BLOCKED || buf.avail_in == before)
			return err_set(err, ERR_SYSTEM, "librsync: %s", rs_strerror(rc));
	}
	return 0;
}

static int finish_load(rs_job_t *job, rs_signature_t *sums, struct err *err)
{
	rs_buffers_t buf = { .eof_in = 1 };
	rs_result rc = rs_job_iter(job, &buf);
	if (rc == RS_DONE)
		rc = rs_build_hash_table(sums);
	return rc == RS_DONE ? 0 : err_set(err, ERR_SYSTEM, "librsync: %s", rs_strerror(rc));
}

static int make_signature(struct basis_reader *reader, rs_signature_t **sums, struct err *err)
{
	rs_job_t *make = rs_sig_begin(DELTA_BLOCK, STRONG_BYTES, RS_RK_BLAKE2_SIG_MAGIC);
	rs_job_t *take = rs_loadsig_begin(sums);
	struct pump pump = { .job = make, .fill = read_basis, .fill_arg = reader, .sink = load,
			     .sink_arg = take };
	int rc = run(&pump, err);
	if (rc == 0)
		rc = finish_load(take, *sums, err);
	rs_job_free(make);
	rs_job_free(take);
	return rc;
}

/* --- delta ---------------------------------------------------------------------------------- */

struct tar_reader {
	int fd;
	uint64_t at, end;
	struct progress *progress;
};

static int read_tar(void *arg, void *buf, size_t *len, struct err *err)
{
	struct tar_reader *r = arg;
	if (*len > r->end - r->at)
		*len = (size_t)(r->end - r->at);
	if (delta_pread(r->fd, buf, *len, r->at, err) != 0)
		return -1;
	r->at += *len;
	progress_add(r->progress, *len);
	return 0;
}

static int write_packed(void *arg, const void *data, size_t len, struct err *err)
{
	return zstd_writer_add(arg, data, len, err);
}

static int make_delta(rs_signature_t *sums, struct tar_reader *reader, struct zstd_writer *out,
		      struct err *err)
{
	rs_job_t *job = rs_delta_begin(sums);
	struct pump pump = { .job = job, .fill = read_tar, .fill_arg = reader, .sink = write_packed,
			     .sink_arg = out };
	int rc = run(&pump, err);
	rs_job_free(job);
	return rc == 0 ? zstd_writer_end(out, err) : -1;
}

static int pack_segment(const struct delta_basis *basis, const struct delta_ranges *ranges,
			struct tar_reader *reader, struct delta_payload *payload, struct err *err)
{
	static const struct zstd_param params[] = {
		{ ZSTD_c_compressionLevel, LEVEL },
		{ ZSTD_c_windowLog, DELTA_STREAM_WINDOW_LOG },
		{ ZSTD_c_checksumFlag, 1 },
	};
	struct basis_reader basis_reader = { basis, ranges, 0, reader->progress };
	_cleanup_(zstd_writer_close) struct zstd_writer out = ZSTD_WRITER_INIT;
	rs_signature_t *sums = NULL;
	int rc = zstd_writer_open(&out, payload->fd, params, ARRAY_SIZE(params), err);
	if (rc == 0)
		rc = make_signature(&basis_reader, &sums, err);
	if (rc == 0)
		rc = make_delta(sums, reader, &out, err);
	rs_free_sumset(sums);
	payload->bytes += out.packed_bytes;
	return rc;
}

/* The i-th of n equal parts of the old files, with some of what is beside it, and then what the
 * pairs have made, as much as fits. */
static void segment_ranges(const struct delta_basis *basis, uint64_t i, uint64_t n,
			   struct delta_ranges *ranges)
{
	const struct delta_part *extra = &basis->parts[basis->count - 1];
	uint64_t old = extra->start, beside = n > 1 ? delta_segment_bytes / 16 : 0;
	uint64_t from = old / n * i / DELTA_BLOCK * DELTA_BLOCK;
	uint64_t to = i + 1 == n ? old : old / n * (i + 1) / DELTA_BLOCK * DELTA_BLOCK;
	from = from > beside ? from - beside : 0;
	to = old - to > beside ? to + beside : old;
	delta_ranges_add(ranges, from, to - from);
	uint64_t room = ranges->bytes < delta_segment_bytes ? delta_segment_bytes - ranges->bytes : 0;
	uint64_t bytes = n > 1 && extra->bytes > room ? room / DELTA_BLOCK * DELTA_BLOCK : extra->bytes;
	if (bytes > 0)
		delta_ranges_add(ranges, extra->start, bytes);
}

int delta_pack_rdiff(const struct delta_tar *new, const struct delta_basis *basis,
		     struct delta_meta *meta, struct delta_payload *payload, struct err *err)
{
	uint64_t n = basis->bytes / (delta_segment_bytes * 3 / 4) + 1, done = 0;
	_cleanup_(progress_freep) struct progress *progress =
		progress_new("looking for copies", n == 1 ? basis->bytes + new->bytes : 0);
	payload->offsets = xrealloc(payload->offsets, (meta->member_count + n) *
							      sizeof(*payload->offsets));
	for (uint64_t i = 0; i < n; i++) {
		uint64_t end = i + 1 == n ? new->bytes : new->bytes / n * (i + 1);
		_cleanup_free_ char *name = xasprintf("d%llu", (unsigned long long)i);
		struct tar_reader reader = { new->fd, done, end, progress };
		payload->offsets[meta->member_count] = payload->bytes;
		struct delta_member *m = delta_meta_add(meta, name, DELTA_RDIFF);
		segment_ranges(basis, i, n, &m->ranges);
		uint64_t before = payload->bytes;
		if (pack_segment(basis, &m->ranges, &reader, payload, err) != 0)
			return -1;
		m->bytes = end - done;
		m->packed_bytes = payload->bytes - before;
		done = end;
	}
	return 0;
}
