/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/strbuf.h"

#include <stdarg.h>

#include "common/util.h"

void strbuf_destroy(struct strbuf *buf)
{
	free(buf->data);
	*buf = (struct strbuf)STRBUF_INIT;
}

void strbuf_reset(struct strbuf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

/* Room for `more` bytes and the NUL. */
static void reserve(struct strbuf *buf, size_t more)
{
	size_t need = 0;
	if (__builtin_add_overflow(buf->len, more, &need) || ++need == 0)
		abort();
	if (need <= buf->size)
		return;
	size_t size = buf->size ? buf->size : 64;
	while (size < need)
		size += size / 2;
	buf->data = xrealloc(buf->data, size);
	buf->size = size;
}

void strbuf_add(struct strbuf *buf, const void *data, size_t len)
{
	reserve(buf, len);
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void strbuf_adds(struct strbuf *buf, const char *s)
{
	strbuf_add(buf, s, strlen(s));
}

void strbuf_drop(struct strbuf *buf, size_t len)
{
	if (len >= buf->len) {
		strbuf_destroy(buf);
		return;
	}
	memmove(buf->data, buf->data + len, buf->len - len + 1);
	buf->len -= len;
}

void strbuf_addc(struct strbuf *buf, char c)
{
	strbuf_add(buf, &c, 1);
}

void strbuf_addf(struct strbuf *buf, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		abort();
	reserve(buf, (size_t)len);
	vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
	va_end(again);
	buf->len += (size_t)len;
}

void strbuf_add_xml(struct strbuf *buf, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		switch (c) {
		case '&': strbuf_adds(buf, "&amp;"); break;
		case '<': strbuf_adds(buf, "&lt;"); break;
		case '>': strbuf_adds(buf, "&gt;"); break;
		case '"': strbuf_adds(buf, "&quot;"); break;
		case '\'': strbuf_adds(buf, "&apos;"); break;
		default:
			strbuf_addc(buf, c < 0x20 && c != '\t' && c != '\n' ? '?' : (char)c);
		}
	}
}

char *strbuf_steal(struct strbuf *buf)
{
	reserve(buf, 0);
	buf->data[buf->len] = '\0';
	char *data = buf->data;
	*buf = (struct strbuf)STRBUF_INIT;
	return data;
}
