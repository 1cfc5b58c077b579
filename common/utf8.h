/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8 from outside: what is valid, and what may stand on a terminal or in a report. */
#ifndef WAYBILL_UTF8_H
#define WAYBILL_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at `s`, 1 to 4; 0 if the `len` bytes there begin with none.
 * Source: Unicode 15, table 3-7. */
size_t utf8_char_len(const char *s, size_t len);

bool utf8_is_valid(const char *s);

/* The start of `data`, at most max_bytes, with '?' for each byte that is neither printable
 * nor one of `keep`. Free it. */
char *utf8_make_printable(const char *data, size_t len, const char *keep, size_t max_bytes);

#endif
