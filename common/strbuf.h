/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A growable byte buffer that is always NUL-terminated. */
#ifndef WAYBILL_STRBUF_H
#define WAYBILL_STRBUF_H

#include <stddef.h>

#include "common/err.h"

struct strbuf {
	char *data;	/* NULL until something was added */
	size_t len;	/* without the NUL */
	size_t size;
};

#define STRBUF_INIT { NULL, 0, 0 }
#define _cleanup_strbuf_ __attribute__((cleanup(strbuf_destroy)))

void strbuf_destroy(struct strbuf *buf);
void strbuf_reset(struct strbuf *buf);
void strbuf_add(struct strbuf *buf, const void *data, size_t len);
void strbuf_adds(struct strbuf *buf, const char *s);
/* Remove the first `len` bytes, at most all; an empty buffer holds no memory. */
void strbuf_drop(struct strbuf *buf, size_t len);
void strbuf_addc(struct strbuf *buf, char c);
void strbuf_addf(struct strbuf *buf, const char *fmt, ...) _printf_(2, 3);
/* Add `s` with & < > " ' as XML entities; control characters become '?'. */
void strbuf_add_xml(struct strbuf *buf, const char *s);
/* The string (never NULL), owned by the caller; the buffer is empty again. */
char *strbuf_steal(struct strbuf *buf);

#endif
