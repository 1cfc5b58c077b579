/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/strv.h"

#include <stdarg.h>

#include "common/strbuf.h"
#include "common/util.h"

void strv_destroy(struct strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv)STRV_INIT;
}

static void add_owned(struct strv *v, char *s)
{
	/* Grow at powers of two; the count says when. */
	if ((v->count & (v->count - 1)) == 0 || v->count == 0)
		v->items = xrealloc(v->items,
				    (v->count ? 2 * v->count + 1 : 2) * sizeof(*v->items));
	v->items[v->count++] = s;
	v->items[v->count] = NULL;
}

void strv_add(struct strv *v, const char *s)
{
	add_owned(v, xstrdup(s));
}

void strv_addf(struct strv *v, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *s = NULL;
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	add_owned(v, s);
}

void strv_addv(struct strv *v, ...)
{
	va_list ap;
	va_start(ap, v);
	const char *s;
	while ((s = va_arg(ap, const char *)))
		strv_add(v, s);
	va_end(ap);
}

void strv_split(struct strv *v, const char *text, const char *separators)
{
	for (;;) {
		text += strspn(text, separators);
		size_t len = strcspn(text, separators);
		if (!len)
			return;
		add_owned(v, xstrndup(text, len));
		text += len;
	}
}

bool strv_contains(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->count; i++)
		if (str_eq(v->items[i], s))
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
	if (v->count)
		qsort(v->items, v->count, sizeof(*v->items), compare);
}

char *strv_join(const struct strv *v, const char *separator)
{
	struct strbuf out = STRBUF_INIT;
	for (size_t i = 0; i < v->count; i++) {
		if (i)
			strbuf_adds(&out, separator);
		strbuf_adds(&out, v->items[i]);
	}
	return strbuf_steal(&out);
}
