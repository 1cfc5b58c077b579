/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/mirrors.h"

#include <inttypes.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/log.h"

enum { MAX_MIRRORS = 64, MAX_BYTES = 64 << 10, MEASURE_MIN_BYTES = 64 << 10 };
enum { RATE_S = 7 * 86400, FAILED_S = 600, BAD_S = 86400, WAIT_MAX_S = 86400 };

static const char *const fields[] = { "Server", "Rate", "Measured", "Failed-Until", "Bad-Until",
				      "Wait-Until", NULL };

static void mirror_free(struct mirror *mirror)
{
	free(mirror->server);
	free(mirror);
}

void mirrors_destroy(struct mirrors *mirrors)
{
	for (size_t i = 0; i < mirrors->count; i++)
		mirror_free(mirrors->items[i]);
	free(mirrors->items);
	*mirrors = (struct mirrors){ NULL, 0 };
}

static struct mirror *add(struct mirrors *mirrors, const char *server, size_t len)
{
	struct mirror *mirror = xcalloc(1, sizeof(*mirror));
	mirror->server = xstrndup(server, len);
	mirrors->items = xrealloc(mirrors->items, (mirrors->count + 1) * sizeof(struct mirror *));
	mirrors->items[mirrors->count++] = mirror;
	return mirror;
}

/* A time that is within `span_s` of now, on the side where it must be; else none. */
static int get_time(const struct deb822_stanza *stanza, const char *name, int64_t first,
		    int64_t last, int64_t *out, struct err *err)
{
	const char *text = deb822_get(stanza, name);
	int64_t time = 0;
	if (text && time_parse(text, &time, name, err) < 0)
		return -1;
	*out = time >= first && time <= last ? time : 0;
	return 0;
}

static int parse_one(const struct deb822_stanza *stanza, int64_t now, struct mirrors *mirrors,
		     struct err *err)
{
	const char *server = NULL;
	if (deb822_check_known(stanza, fields, MIRRORS_FILE, err) < 0 ||
	    deb822_require(stanza, "Server", MIRRORS_FILE, &server, err) < 0)
		return -1;
	struct mirror *mirror = add(mirrors, server, strlen(server));
	if (number_parse(deb822_get_or(stanza, "Rate", "0"), 0, 1ull << 50, &mirror->rate, "Rate",
			 err) < 0 ||
	    get_time(stanza, "Measured", now - RATE_S, now, &mirror->measured_at, err) < 0 ||
	    get_time(stanza, "Failed-Until", now, now + FAILED_S, &mirror->failed_until, err) < 0 ||
	    get_time(stanza, "Bad-Until", now, now + BAD_S, &mirror->bad_until, err) < 0 ||
	    get_time(stanza, "Wait-Until", now, now + WAIT_MAX_S, &mirror->wait_until, err) < 0)
		return -1;
	if (!mirror->measured_at)
		mirror->rate = 0;
	return 0;
}

int mirrors_parse(const char *text, size_t len, int64_t now, struct mirrors *mirrors,
		  struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (deb822_parse(text, len, MAX_MIRRORS, MIRRORS_FILE, &doc, err) < 0)
		return -1;
	for (size_t i = 0; i < doc->count; i++)
		if (parse_one(&doc->stanzas[i], now, mirrors, err) < 0) {
			mirrors_destroy(mirrors);
			return -1;
		}
	return 0;
}

static void write_time(struct strbuf *out, const char *name, int64_t when)
{
	_cleanup_free_ char *text = time_format(when);
	if (when)
		deb822_write(out, name, text);
}

void mirrors_format(const struct mirrors *mirrors, struct strbuf *out)
{
	size_t first = mirrors->count > MAX_MIRRORS ? mirrors->count - MAX_MIRRORS : 0;
	for (size_t i = first; i < mirrors->count; i++) {
		const struct mirror *mirror = mirrors->items[i];
		if (i > first)
			strbuf_addc(out, '\n');
		deb822_write(out, "Server", mirror->server);
		if (mirror->rate)
			strbuf_addf(out, "Rate: %" PRIu64 "\n", mirror->rate);
		write_time(out, "Measured", mirror->measured_at);
		write_time(out, "Failed-Until", mirror->failed_until);
		write_time(out, "Bad-Until", mirror->bad_until);
		write_time(out, "Wait-Until", mirror->wait_until);
	}
}

void mirrors_load(const struct root *root, int64_t now, struct mirrors *mirrors)
{
	_cleanup_free_ char *path = root_path(root, MIRRORS_FILE);
	_cleanup_free_ char *text = NULL;
	_cleanup_err_ struct err err = ERR_INIT;
	size_t len = 0;
	*mirrors = (struct mirrors){ NULL, 0 };
	if (!file_exists(path))
		return;
	if (file_read(path, MAX_BYTES, &text, &len, &err) < 0 ||
	    mirrors_parse(text, len, now, mirrors, &err) < 0)
		log_warn("%s; what it said of mirrors is forgotten", err.msg);
}

int mirrors_save(const struct root *root, const struct mirrors *mirrors, struct err *err)
{
	_cleanup_free_ char *path = root_path(root, MIRRORS_FILE);
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	mirrors_format(mirrors, &text);
	return atomic_file_write(path, text.data ? text.data : "", text.len, 0644, err);
}

/* "http://host:80/pool/x" -> "http://host:80" */
static size_t server_length(const char *uri)
{
	const char *host = strstr(uri, "://");
	if (!host || str_starts(uri, "file:"))
		return strcspn(uri, ":") + (strchr(uri, ':') ? 1 : 0);
	return (size_t)(host - uri) + 3 + strcspn(host + 3, "/ \t\n");
}

struct mirror *mirrors_get(struct mirrors *mirrors, const char *uri)
{
	size_t len = server_length(uri);
	for (size_t i = 0; i < mirrors->count; i++)
		if (strlen(mirrors->items[i]->server) == len &&
		    strncmp(mirrors->items[i]->server, uri, len) == 0)
			return mirrors->items[i];
	return add(mirrors, uri, len);
}

void mirror_measured(struct mirror *mirror, uint64_t bytes, int64_t ms, int64_t now)
{
	if (bytes < MEASURE_MIN_BYTES)
		return;
	uint64_t rate = bytes * 1000 / (uint64_t)(ms > 0 ? ms : 1);
	mirror->rate = mirror->rate ? (mirror->rate + rate) / 2 : rate;
	mirror->measured_at = now;
}

void mirror_failed(struct mirror *mirror, int64_t now)
{
	mirror->failed_until = now + FAILED_S;
}

void mirror_answered(struct mirror *mirror)
{
	mirror->failed_until = 0;
}

void mirror_proved_bad(struct mirror *mirror, int64_t now)
{
	mirror->bad_until = now + BAD_S;
}

void mirror_asks_to_wait(struct mirror *mirror, int64_t seconds, int64_t now)
{
	mirror->wait_until = now + (seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S);
}

enum mirror_class mirror_class(const struct mirror *mirror, int64_t now)
{
	return mirror->bad_until > now	    ? MIRROR_BAD
	       : mirror->failed_until > now ? MIRROR_FAILED
					    : MIRROR_FINE;
}
