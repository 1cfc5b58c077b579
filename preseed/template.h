/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A text with names in it, and values for them. */
#ifndef WAYBILL_TEMPLATE_H
#define WAYBILL_TEMPLATE_H

#include <stddef.h>

#include "common/err.h"
#include "common/strbuf.h"

/* Zeroed is empty. */
struct values {
	struct value {
		char *name;
		char *value;
	} *items;
	size_t count;
};

/* NULL and "" are the same: the name is known and has no value. Both are copied. */
void values_set(struct values *values, const char *name, const char *value);
/* Borrowed; "" if it has no value, NULL if there is no such name. */
const char *values_get(const struct values *values, const char *name);
void values_destroy(struct values *values);

/* Append `text` to *out with each @name@ replaced by its value. Lines between "%if name" (or
 * "%ifnot name") and "%end" are kept only if it has a value (or has none); they nest. Lines
 * that begin with "%%" are comments of the template itself. Blanks at the end of a line go.
 * Errors: ERR_INPUT with `origin` and the line: a name that `values` does not know, a value
 * that would break out of its line, an %if without its %end. */
int template_expand(const char *text, const struct values *values, const char *origin,
		    struct strbuf *out, struct err *err) _must_check_;

#endif
