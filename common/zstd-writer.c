/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/zstd-writer.h"

#include <stdlib.h>

#include "common/atomic-file.h"
#include "common/util.h"

enum { BUF_BYTES = 256 << 10 };

int zstd_context(const struct zstd_param *params, size_t count, ZSTD_CCtx **out, struct err *err)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	if (!zstd)
		abort();
	for (size_t i = 0; i < count; i++) {
		size_t rc = ZSTD_CCtx_setParameter(zstd, params[i].name, params[i].value);
		if (!ZSTD_isError(rc))
			continue;
		ZSTD_freeCCtx(zstd);
		return err_set(err, ERR_SYSTEM, "cannot set up zstd: %s (is libzstd built without "
			       "threads?)", ZSTD_getErrorName(rc));
	}
	*out = zstd;
	return 0;
}

int zstd_writer_open(struct zstd_writer *w, int fd, const struct zstd_param *params, size_t count,
		     struct err *err)
{
	*w = (struct zstd_writer){ .fd = fd };
	if (zstd_context(params, count, &w->zstd, err) != 0)
		return -1;
	w->buf = xmalloc(BUF_BYTES);
	return 0;
}

static int feed(struct zstd_writer *w, const void *data, size_t len, ZSTD_EndDirective mode,
		struct err *err)
{
	ZSTD_inBuffer in = { data, len, 0 };
	for (;;) {
		ZSTD_outBuffer out = { w->buf, BUF_BYTES, 0 };
		size_t left = ZSTD_compressStream2(w->zstd, &out, &in, mode);
		if (ZSTD_isError(left))
			return err_set(err, ERR_SYSTEM, "zstd: %s", ZSTD_getErrorName(left));
		if (write_all(w->fd, w->buf, out.pos, err) != 0)
			return err_prefix(err, "compressed data");
		w->packed_bytes += out.pos;
		if (mode == ZSTD_e_end ? left == 0 : in.pos == in.size)
			return 0;
	}
}

int zstd_writer_add(struct zstd_writer *w, const void *data, size_t len, struct err *err)
{
	return feed(w, data, len, ZSTD_e_continue, err);
}

int zstd_writer_end(struct zstd_writer *w, struct err *err)
{
	return feed(w, NULL, 0, ZSTD_e_end, err);
}

void zstd_writer_close(struct zstd_writer *w)
{
	ZSTD_freeCCtx(w->zstd);
	free(w->buf);
	*w = (struct zstd_writer)ZSTD_WRITER_INIT;
}
