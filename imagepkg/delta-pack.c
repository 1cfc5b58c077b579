/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/delta-pack.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/progress.h"
#include "common/zstd-writer.h"

enum {
	WORKERS = 2,
	WINDOW_LOG = 25,	/* reaches all of the prefix */
	QUICK_RATIO = 1000,
};

/* How hard zstd tries. What it costs for each 8 MiB with as many old ones, and what it saves
 * (bench/delta.sh): level 12 takes 0.4 s; 19 with a short search 1.7 s and 7 % less; all of 19
 * 6 s and 15 % less. The tables' sizes keep two workers within 256 MiB. */
struct effort {
	uint64_t max_bytes;	/* of new ones together */
	int level, hash_log, chain_log, search_log;
};
static const struct effort efforts[] = {
	{ UINT64_C(64) << 20, 19, 22, 24, 7 },
	{ UINT64_C(256) << 20, 19, 22, 24, 2 },
	{ UINT64_MAX, 12, 0, 0, 0 },
};
static const struct effort quick = { 0, 3, 0, 0, 0 };

/* --- payload ----------------------------------------------------------------------------- */

int delta_payload_open(struct delta_payload *payload, const char *tmp_dir, struct err *err)
{
	payload->fd = open(tmp_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return payload->fd >= 0 ? 0 : err_sys(err, "cannot make a temporary file in %s", tmp_dir);
}

void delta_payload_close(struct delta_payload *payload)
{
	closep(&payload->fd);
	free(payload->offsets);
	payload->offsets = NULL;
}

/* --- what the windows make ------------------------------------------------------------------ */

static int make_windows(const struct delta_plan *plan, const struct delta_tar *new,
			struct delta_basis *basis, struct err *err)
{
	static const char zeros[DELTA_BLOCK];
	int fd = basis->parts[basis->count - 1].fd;
	for (size_t i = 0; i < plan->count; i++) {
		const struct delta_ranges *ranges = &plan->windows[i].new;
		size_t padding = (size_t)(delta_padded(ranges->bytes) - ranges->bytes);
		for (size_t j = 0; j < ranges->count; j++)
			if (delta_copy(new->fd, ranges->items[j].offset, ranges->items[j].bytes, fd,
				       err) != 0)
				return -1;
		if (write_all(fd, zeros, padding, err) != 0)
			return -1;
		delta_basis_grow(basis, delta_padded(ranges->bytes));
	}
	return 0;
}

/* --- pairs -------------------------------------------------------------------------------------- */

struct pack {
	const struct delta_plan *plan;
	const struct delta_basis *basis;
	const struct effort *effort;
	struct delta_payload *payload;
	struct progress *progress;
	uint64_t *packed_bytes;	/* one for each window */
	pthread_mutex_t lock;	/* of what follows, payload and progress */
	size_t next;
	struct err err;
};

static int make_zstd(const struct effort *effort, ZSTD_CCtx **out, struct err *err)
{
	const struct zstd_param params[] = {
		{ ZSTD_c_compressionLevel, effort->level },
		{ ZSTD_c_windowLog, WINDOW_LOG },
		{ ZSTD_c_hashLog, effort->hash_log },
		{ ZSTD_c_chainLog, effort->chain_log },
		{ ZSTD_c_searchLog, effort->search_log },
		{ ZSTD_c_checksumFlag, 1 },
	};
	return zstd_context(params, ARRAY_SIZE(params), out, err);
}

/* A window's bytes, and room for what becomes of them. */
struct bytes {
	char *old, *new, *packed;
	size_t old_len, new_len, bound;
};

static void bytes_destroy(struct bytes *b)
{
	free(b->old);
	free(b->new);
	free(b->packed);
}

static size_t compress(ZSTD_CCtx *zstd, const struct bytes *b)
{
	size_t rc = ZSTD_CCtx_refPrefix(zstd, b->old, b->old_len);
	return ZSTD_isError(rc) ? rc : ZSTD_compress2(zstd, b->packed, b->bound, b->new, b->new_len);
}

static int pack_window(const struct pack *pack, size_t index, ZSTD_CCtx *try_zstd, ZSTD_CCtx *zstd,
		       char **out, size_t *out_len, struct err *err)
{
	const struct delta_window *w = &pack->plan->windows[index];
	_cleanup_(bytes_destroy) struct bytes b = {
		.old_len = (size_t)w->old.bytes, .new_len = (size_t)w->new.bytes,
		.bound = ZSTD_compressBound((size_t)w->new.bytes),
	};
	b.old = xmalloc(b.old_len);
	b.new = xmalloc(b.new_len);
	b.packed = xmalloc(b.bound);
	if (delta_basis_read_ranges(pack->basis, &w->old, 0, b.old, b.old_len, err) != 0 ||
	    delta_basis_read(pack->basis, w->start, b.new, b.new_len, err) != 0)
		return -1;
	size_t rc = compress(try_zstd, &b);
	/* When nearly all of it is a copy there is nothing to be gained. */
	if (!ZSTD_isError(rc) && rc > b.new_len / QUICK_RATIO)
		rc = compress(zstd, &b);
	if (ZSTD_isError(rc))
		return err_set(err, ERR_SYSTEM, "zstd: %s", ZSTD_getErrorName(rc));
	*out = xrealloc(steal(&b.packed), rc);
	*out_len = rc;
	return 0;
}

/* Called with the lock held. */
static void keep(struct pack *pack, size_t index, const char *packed, size_t len)
{
	pack->payload->offsets[index] = pack->payload->bytes;
	pack->packed_bytes[index] = len;
	pack->payload->bytes += len;
	progress_add(pack->progress, pack->plan->windows[index].new.bytes);
	(void)!write_all(pack->payload->fd, packed, len, &pack->err);
}

/* One worker's windows. */
static int work_on(struct pack *pack, ZSTD_CCtx *try_zstd, ZSTD_CCtx *zstd, struct err *err)
{
	int rc = 0;
	pthread_mutex_lock(&pack->lock);
	while (pack->next < pack->plan->count && pack->err.code == ERR_NONE && rc == 0) {
		size_t index = pack->next++, len = 0;
		_cleanup_free_ char *packed = NULL;
		pthread_mutex_unlock(&pack->lock);
		rc = pack_window(pack, index, try_zstd, zstd, &packed, &len, err);
		pthread_mutex_lock(&pack->lock);
		if (rc == 0)
			keep(pack, index, packed, len);
	}
	pthread_mutex_unlock(&pack->lock);
	return rc;
}

static void *work(void *arg)
{
	struct pack *pack = arg;
	ZSTD_CCtx *try_zstd = NULL, *zstd = NULL;
	_cleanup_err_ struct err err = ERR_INIT;
	int rc = make_zstd(&quick, &try_zstd, &err);
	if (rc == 0)
		rc = make_zstd(pack->effort, &zstd, &err);
	if (rc == 0)
		rc = work_on(pack, try_zstd, zstd, &err);
	pthread_mutex_lock(&pack->lock);
	if (rc != 0 && pack->err.code == ERR_NONE) {
		pack->err = err;
		err = (struct err)ERR_INIT;
	}
	pthread_mutex_unlock(&pack->lock);
	ZSTD_freeCCtx(try_zstd);
	ZSTD_freeCCtx(zstd);
	return NULL;
}

static int pack_windows(struct pack *pack, struct err *err)
{
	pthread_t threads[WORKERS];
	size_t started = 0;
	while (started < WORKERS && pthread_create(&threads[started], NULL, work, pack) == 0)
		started++;
	if (started == 0)
		return err_set(err, ERR_SYSTEM, "cannot start a thread");
	while (started > 0)
		pthread_join(threads[--started], NULL);
	if (pack->err.code == ERR_NONE)
		return 0;
	*err = pack->err;
	return err_prefix(err, "compress");
}

static void add_members(const struct pack *pack, struct delta_meta *meta)
{
	for (size_t i = 0; i < pack->plan->count; i++) {
		const struct delta_window *w = &pack->plan->windows[i];
		_cleanup_free_ char *name = xasprintf("p%zu", i);
		struct delta_member *m = delta_meta_add(meta, name, DELTA_PAIR);
		m->packed_bytes = pack->packed_bytes[i];
		m->bytes = w->new.bytes;
		for (size_t j = 0; j < w->old.count; j++)
			delta_ranges_add(&m->ranges, w->old.items[j].offset, w->old.items[j].bytes);
	}
}

int delta_pack_pairs(const struct delta_plan *plan, const struct delta_tar *new,
		     struct delta_basis *basis, struct delta_meta *meta,
		     struct delta_payload *payload, struct err *err)
{
	struct pack pack = { .plan = plan, .basis = basis, .payload = payload,
			     .lock = PTHREAD_MUTEX_INITIALIZER };
	_cleanup_free_ uint64_t *packed_bytes = xcalloc(plan->count, sizeof(*packed_bytes));
	if (make_windows(plan, new, basis, err) != 0)
		return -1;
	pack.packed_bytes = packed_bytes;
	pack.effort = efforts;
	while (plan->new_bytes - plan->copied_bytes > pack.effort->max_bytes)
		pack.effort++;
	payload->offsets = xcalloc(plan->count, sizeof(*payload->offsets));
	pack.progress = progress_new("comparing", plan->new_bytes);
	int rc = pack_windows(&pack, err);
	progress_free(pack.progress);
	if (rc == 0)
		add_members(&pack, meta);
	log_debug("%zu pairs: %llu bytes", plan->count, (unsigned long long)payload->bytes);
	return rc;
}
