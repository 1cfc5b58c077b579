/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/release.h"

#include <time.h>

#include "common/deb822.h"

/* Release has its own form of time: RFC 1123, always UTC. */
#define TIME_FORMAT "%a, %d %b %Y %H:%M:%S UTC"

void release_destroy(struct release *release)
{
	for (size_t i = 0; i < release->file_count; i++)
		free(release->files[i].path);
	free(release->files);
	memset(release, 0, sizeof(*release));
}

void release_add_file(struct release *release, const char *path, const char *sha256,
		      uint64_t size_bytes)
{
	release->files = xrealloc(release->files,
				  (release->file_count + 1) * sizeof(*release->files));
	struct release_file *file = &release->files[release->file_count++];
	snprintf(file->sha256, sizeof(file->sha256), "%s", sha256);
	file->size_bytes = size_bytes;
	file->path = xstrdup(path);
}

static void write_time(struct strbuf *out, const char *field, int64_t unix_seconds)
{
	char text[64];
	time_t t = (time_t)unix_seconds;
	struct tm tm;
	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), TIME_FORMAT, &tm); /* the locale is C: no setlocale() */
	deb822_write(out, field, text);
}

void release_format(const struct release *release, const struct repo_conf *conf,
		    const char *suite, struct strbuf *out)
{
	_cleanup_free_ char *architectures = strv_join(&conf->architectures, " ");
	deb822_write(out, "Origin", conf->origin);
	deb822_write(out, "Label", conf->label);
	deb822_write(out, "Suite", suite);
	deb822_write(out, "Codename", suite);
	write_time(out, "Date", release->date);
	write_time(out, "Valid-Until", release->valid_until);
	deb822_write(out, "Acquire-By-Hash", "yes");
	deb822_write(out, "Architectures", architectures);
	deb822_write(out, "Components", REPO_COMPONENT);
	strbuf_adds(out, "SHA256:\n");
	for (size_t i = 0; i < release->file_count; i++)
		strbuf_addf(out, " %s %llu %s\n", release->files[i].sha256,
			    (unsigned long long)release->files[i].size_bytes,
			    release->files[i].path);
}

static int parse_time(const struct deb822_stanza *stanza, const char *field, const char *origin,
		      int64_t *out, struct err *err)
{
	const char *value;
	struct tm tm = { 0 };
	if (deb822_require(stanza, field, origin, &value, err) < 0)
		return -1;
	const char *end = strptime(value, TIME_FORMAT, &tm);
	if (!end || *end)
		return err_set(err, ERR_INPUT, "%s: %s '%s' is no time", origin, field, value);
	*out = (int64_t)timegm(&tm);
	return 0;
}

static int parse_file(const char *line, const char *origin, struct release *out, struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	uint64_t size_bytes;
	strv_split(&words, line, " ");
	if (words.count != 3 || !sha256_is_valid(words.items[0]) ||
	    words.items[2][0] == '/' || strstr(words.items[2], ".."))
		return err_set(err, ERR_INPUT, "%s: SHA256 has the odd line '%s'", origin, line);
	if (number_parse(words.items[1], 0, INT64_MAX, &size_bytes, "a size", err) < 0)
		return err_prefix(err, "%s", origin);
	release_add_file(out, words.items[2], words.items[0], size_bytes);
	return 0;
}

static int parse_stanza(const struct deb822_stanza *stanza, const char *origin,
			struct release *out, struct err *err)
{
	const char *files;
	_cleanup_strv_ struct strv lines = STRV_INIT;
	if (parse_time(stanza, "Date", origin, &out->date, err) < 0 ||
	    parse_time(stanza, "Valid-Until", origin, &out->valid_until, err) < 0 ||
	    deb822_require(stanza, "SHA256", origin, &files, err) < 0)
		return -1;
	strv_split(&lines, files, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (parse_file(lines.items[i], origin, out, err) < 0)
			return -1;
	return 0;
}

int release_parse(const char *text, size_t len, const char *origin, struct release *out,
		  struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	memset(out, 0, sizeof(*out));
	if (len > RELEASE_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "%s is larger than 1 MiB", origin);
	if (deb822_parse(text, len, 1, origin, &doc, err) < 0)
		return -1;
	if (doc->count != 1)
		return err_set(err, ERR_INPUT, "%s is empty", origin);
	if (parse_stanza(&doc->stanzas[0], origin, out, err) < 0) {
		release_destroy(out);
		return -1;
	}
	return 0;
}
