/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ownership helpers and allocation that does not return NULL. */
#ifndef WAYBILL_UTIL_H
#define WAYBILL_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)
#define _cleanup_err_ _cleanup_(err_clear)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Hand over what a cleanup variable owns: `return steal(&p);` */
#define steal(pp) __extension__({ __typeof__(*(pp)) s_ = *(pp); *(pp) = NULL; s_; })

/* For `_cleanup_(x_freep)`: DEFINE_FREEP(struct x, x_free) makes x_freep(). */
#define DEFINE_FREEP(type, free_fn) \
	static inline void free_fn##p(type **p) { if (*p) free_fn(*p); }

static inline void freep(void *p) { free(*(void **)p); }
void closep(int *fd);
void fclosep(FILE **f);
/* The descriptor, and -1 in its place. */
int steal_fd(int *fd);

/* Out of memory ends the program with a message. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
char *xasprintf(const char *fmt, ...) _printf_(1, 2);
char *xvasprintf(const char *fmt, va_list ap) _printf_(1, 0);

/* Both are there, and equal. */
static inline bool str_same(const char *a, const char *b) { return a && b && strcmp(a, b) == 0; }
static inline bool str_eq(const char *a, const char *b) { return strcmp(a, b) == 0; }
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* A Debian package name (policy 5.6.1, at most 128 bytes), which is also what
 * appliances and instances are called, so it is safe in paths and XML. */
bool name_is_valid(const char *name);

/* A Debian version (policy 5.6.12, at most 128 bytes), colon and tilde included. */
bool version_is_valid(const char *version);

/* A site name: a lowercase DNS label, at most 63 bytes. */
bool site_name_is_valid(const char *name);

/* Compare as dpkg does: <0, 0, >0. Source: Debian policy 5.6.12. */
int version_compare(const char *a, const char *b);

/* "512M", "4G", "1024" -> bytes (powers of 1024). `what` names the field. */
int size_parse(const char *text, uint64_t *bytes, const char *what, struct err *err) _must_check_;

/* 1536 -> "1.5 KiB". Returns a string to free. */
char *size_format(uint64_t bytes);

/* "90", "90s", "15m", "12h", "30d" -> seconds. */
int duration_parse(const char *text, uint64_t *seconds, const char *what, struct err *err) _must_check_;

/* A decimal number within [min, max], nothing after it. */
int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out, const char *what,
		 struct err *err) _must_check_;

/* "2026-11-20T23:40:51Z" (UTC). time_parse() takes exactly this form. */
char *time_format(int64_t unix_seconds);
int time_parse(const char *text, int64_t *unix_seconds, const char *what, struct err *err) _must_check_;

/* SOURCE_DATE_EPOCH if it is set and a number, else the clock. Unix seconds. */
int64_t time_now_reproducible(void);

/* Milliseconds of the monotonic clock, for deadlines and durations. */
int64_t monotonic_ms(void);

#endif
