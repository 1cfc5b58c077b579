/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/util.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
	*f = NULL;
}

int steal_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

static void *checked(void *p)
{
	if (!p) {
		static const char text[] = "out of memory\n";
		ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
		(void)ignored;
		abort();
	}
	return p;
}

void *xmalloc(size_t size) { return checked(malloc(size ? size : 1)); }
void *xcalloc(size_t count, size_t size) { return checked(calloc(count ? count : 1, size)); }
void *xrealloc(void *p, size_t size) { return checked(realloc(p, size ? size : 1)); }
char *xstrdup(const char *s) { return checked(strdup(s)); }
char *xstrndup(const char *s, size_t len) { return checked(strndup(s, len)); }

char *xvasprintf(const char *fmt, va_list ap)
{
	char *text = NULL;
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	return checked(text);
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = xvasprintf(fmt, ap);
	va_end(ap);
	return text;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), tail = strlen(suffix);
	return len >= tail && str_eq(s + len - tail, suffix);
}

static bool only(const char *s, const char *extra, bool upper)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			     (upper && c >= 'A' && c <= 'Z');
		if (!plain && !strchr(extra, c))
			return false;
	}
	return true;
}

bool name_is_valid(const char *name)
{
	size_t len = strlen(name);
	return len >= 2 && len <= 128 && !strchr("+-.", name[0]) && only(name, "+-.", false);
}

bool version_is_valid(const char *version)
{
	size_t len = strlen(version);
	return len >= 1 && len <= 128 && isdigit((unsigned char)version[0]) &&
	       only(version, ".+~:-", true);
}

bool site_name_is_valid(const char *name)
{
	size_t len = strlen(name);
	return len >= 1 && len <= 63 && name[0] != '-' && name[len - 1] != '-' &&
	       only(name, "-", false);
}

/* Digits from `text` into *value; the first character after them, or NULL if
 * there are none or they overflow. */
static const char *digits(const char *text, uint64_t *value)
{
	if (!isdigit((unsigned char)*text))
		return NULL;
	*value = 0;
	for (; isdigit((unsigned char)*text); text++) {
		uint64_t digit = (uint64_t)(*text - '0');
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, digit, value))
			return NULL;
	}
	return text;
}

/* A number and one of the units' letters; a letter's factor is factors[i]. */
static int scaled_parse(const char *text, const char *letters, const uint64_t *factors,
			uint64_t *out)
{
	uint64_t value = 0;
	const char *rest = digits(text, &value);
	if (!rest)
		return -1;
	if (*rest) {
		const char *letter = strchr(letters, *rest);
		if (!letter || rest[1])
			return -1;
		if (__builtin_mul_overflow(value, factors[letter - letters], &value))
			return -1;
	}
	*out = value;
	return 0;
}

int size_parse(const char *text, uint64_t *bytes, const char *what, struct err *err)
{
	static const uint64_t factors[] = { 1ull << 10, 1ull << 20, 1ull << 30, 1ull << 40 };
	if (scaled_parse(text, "KMGT", factors, bytes) < 0)
		return err_set(err, ERR_INPUT,
			       "%s: '%s' is no size; write a number and K, M, G or T, such as 512M",
			       what, text);
	return 0;
}

char *size_format(uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	return xasprintf(unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

int duration_parse(const char *text, uint64_t *seconds, const char *what, struct err *err)
{
	static const uint64_t factors[] = { 1, 60, 3600, 86400 };
	if (scaled_parse(text, "smhd", factors, seconds) < 0)
		return err_set(err, ERR_INPUT,
			       "%s: '%s' is no duration; write a number and s, m, h or d, such as 45m",
			       what, text);
	return 0;
}

int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out, const char *what,
		 struct err *err)
{
	uint64_t value = 0;
	const char *rest = digits(text, &value);
	if (!rest || *rest || value < min || value > max)
		return err_set(err, ERR_INPUT, "%s: '%s' is no number from %llu to %llu", what, text,
			       (unsigned long long)min, (unsigned long long)max);
	*out = value;
	return 0;
}

char *time_format(int64_t unix_seconds)
{
	time_t t = (time_t)unix_seconds;
	struct tm tm;
	char text[64];
	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return xstrdup("1970-01-01T00:00:00Z");
	return xstrdup(text);
}

int time_parse(const char *text, int64_t *unix_seconds, const char *what, struct err *err)
{
	struct tm tm = { 0 };
	const char *end = strlen(text) == 20 ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	if (!end || *end)
		return err_set(err, ERR_INPUT, "%s: '%s' is no time such as 2026-11-20T23:40:51Z",
			       what, text);
	*unix_seconds = (int64_t)timegm(&tm);
	return 0;
}

int64_t time_now_reproducible(void)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	uint64_t value = 0;
	const char *rest = epoch ? digits(epoch, &value) : NULL;
	if (rest && !*rest && value <= INT64_MAX)
		return (int64_t)value;
	return (int64_t)time(NULL);
}

int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
