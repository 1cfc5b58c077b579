/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A growable, NULL-terminated vector of owned strings: argument lists, name lists. */
#ifndef WAYBILL_STRV_H
#define WAYBILL_STRV_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct strv {
	char **items;	/* NULL until something was added, then NULL-terminated */
	size_t count;
};

#define STRV_INIT { NULL, 0 }
#define _cleanup_strv_ __attribute__((cleanup(strv_destroy)))

void strv_destroy(struct strv *v);
void strv_add(struct strv *v, const char *s);
void strv_addf(struct strv *v, const char *fmt, ...) _printf_(2, 3);
/* Add all of a NULL-terminated argument list: strv_addv(&v, "rsync", "-a", NULL). */
void strv_addv(struct strv *v, ...) __attribute__((sentinel));
/* Split at any of `separators`, dropping empty pieces. */
void strv_split(struct strv *v, const char *text, const char *separators);
bool strv_contains(const struct strv *v, const char *s);
void strv_sort(struct strv *v);
/* "a, b and c" style joining with one separator; free the result. */
char *strv_join(const struct strv *v, const char *separator);

#endif
