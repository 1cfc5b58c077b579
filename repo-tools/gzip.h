/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gzip in memory, the same bytes for the same input. */
#ifndef WAYBILL_GZIP_H
#define WAYBILL_GZIP_H

#include <stddef.h>

#include "common/err.h"
#include "common/strbuf.h"

/* The compressed bytes are appended to *out. `data` may be NULL if len is 0. */
int gzip_compress(const void *data, size_t len, struct strbuf *out, struct err *err) _must_check_;

#endif
