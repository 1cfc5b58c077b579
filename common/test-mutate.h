/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every truncation and every flipped bit of a text, for parsers of what comes from
 * outside: each copy ends where it ends, so that a sanitizer sees a read beyond. */
#ifndef WAYBILL_TEST_MUTATE_H
#define WAYBILL_TEST_MUTATE_H

#include "common/test-lib.h"

/* `parse` asserts what must hold for any input. */
static inline void mutate(const char *text, void (*parse)(const char *text, size_t len))
{
	size_t len = strlen(text);
	for (size_t cut = 0; cut < len; cut++) {
		char *copy = xmalloc(cut + 1);
		memcpy(copy, text, cut);
		copy[cut] = '\0';
		parse(copy, cut);
		free(copy);
	}
	for (size_t bit = 0; bit < len * 8; bit++) {
		char *copy = xmalloc(len + 1);
		memcpy(copy, text, len + 1);
		copy[bit / 8] ^= (char)(1 << (bit % 8));
		parse(copy, len);
		free(copy);
	}
}

#endif
