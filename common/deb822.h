/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reader and writer of deb822 stanzas, the syntax of all our files. */
#ifndef WAYBILL_DEB822_H
#define WAYBILL_DEB822_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/strbuf.h"
#include "common/util.h"

struct deb822_field {
	char *name;
	char *value;	/* folded lines joined by '\n', their leading blank dropped,
			 * a line of " ." kept as an empty line */
	unsigned line;	/* where it starts, from 1; 0 if made by us */
};

struct deb822_stanza {
	struct deb822_field *fields;
	size_t count;
};

struct deb822 {
	struct deb822_stanza *stanzas;
	size_t count;
};

/* Parse text[0..len) into stanzas. Strict: a duplicate field in a stanza, a
 * NUL byte, a line that is no field, a field name with odd characters, or text
 * that does not end in a newline is an error that names `origin` and the line.
 * Lines starting with '#' are comments. max_stanzas bounds the result, > 0; a stanza
 * has at most 1000 fields.
 * Returns 0 and *out (free with deb822_free), or -1 with *out == NULL.
 * Errors: ERR_INPUT, ERR_TOO_LARGE.  Source: deb822(5), docs/spec/deb822.md */
int deb822_parse(const char *text, size_t len, size_t max_stanzas, const char *origin,
		 struct deb822 **out, struct err *err) _must_check_;
void deb822_free(struct deb822 *doc);
DEFINE_FREEP(struct deb822, deb822_free)

/* Read and parse a whole file of at most max_bytes. */
int deb822_read_file(const char *path, size_t max_bytes, size_t max_stanzas,
		     struct deb822 **out, struct err *err) _must_check_;

/* A field's value, borrowed, or NULL. Names compare without case. */
const char *deb822_get(const struct deb822_stanza *stanza, const char *name);

/* Like deb822_get(), but a missing or empty field, or no stanza (NULL), is `fallback`. */
const char *deb822_get_or(const struct deb822_stanza *stanza, const char *name,
			  const char *fallback);

/* Like deb822_get(), but a missing or empty field is ERR_INPUT. */
int deb822_require(const struct deb822_stanza *stanza, const char *name, const char *origin,
		   const char **value, struct err *err) _must_check_;

/* Refuse fields that are not in the NULL-terminated `known`, except X-*. A
 * typing error in a file that decides what runs must not pass in silence. */
int deb822_check_known(const struct deb822_stanza *stanza, const char *const *known,
		       const char *origin, struct err *err) _must_check_;

/* Append "Name: value\n"; a value with newlines becomes folded lines (an empty
 * line becomes " ."). A value that starts with '\n' starts on the next line. */
void deb822_write(struct strbuf *out, const char *name, const char *value);

#endif
