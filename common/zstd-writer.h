/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One zstd frame, written to a file as its content comes. */
#ifndef WAYBILL_ZSTD_WRITER_H
#define WAYBILL_ZSTD_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <zstd.h>

#include "common/err.h"

struct zstd_param {
	ZSTD_cParameter name;
	int value;
};

/* A context with these parameters, for ZSTD_freeCCtx(). Errors: ERR_SYSTEM (this libzstd does not
 * take one of them). */
int zstd_context(const struct zstd_param *params, size_t count, ZSTD_CCtx **out,
		 struct err *err) _must_check_;

struct zstd_writer {
	ZSTD_CCtx *zstd;	/* NULL: not open */
	int fd;			/* borrowed; written to where it stands */
	char *buf;
	uint64_t packed_bytes;	/* written so far */
};
#define ZSTD_WRITER_INIT { .fd = -1 }

int zstd_writer_open(struct zstd_writer *w, int fd, const struct zstd_param *params, size_t count,
		     struct err *err) _must_check_;
/* Errors: those of write_all(). */
int zstd_writer_add(struct zstd_writer *w, const void *data, size_t len,
		    struct err *err) _must_check_;
/* The end of the frame. */
int zstd_writer_end(struct zstd_writer *w, struct err *err) _must_check_;
void zstd_writer_close(struct zstd_writer *w);

#endif
