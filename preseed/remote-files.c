/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/remote-files.h"

#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/progress.h"
#include "common/strv.h"
#include "preseed/tool.h"

/* As many as one call of apt fetches, so that progress shows and a cut costs little. */
enum { BATCH_FILES = 16, BATCH_BYTES = 32 << 20 };

void remote_files_destroy(struct remote_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->items[i].uri);
		free(files->items[i].name);
	}
	free(files->items);
	*files = (struct remote_files){ 0 };
}

static bool name_leads_elsewhere(const char *name)
{
	_cleanup_strv_ struct strv parts = STRV_INIT;
	strv_split(&parts, name, "/");
	return parts.count == 0 || *name == '/' || strv_contains(&parts, "..");
}

int remote_files_add(struct remote_files *files, const char *uri, const char *name,
		     uint64_t size_bytes, const char *sha256, struct err *err)
{
	if (!sha256 || !sha256_is_valid(sha256))
		return err_set(err, ERR_INPUT, "%s: the archive has no SHA-256 for it", uri);
	if (name_leads_elsewhere(name))
		return err_set(err, ERR_INPUT, "%s: '%s' is no name for a file", uri, name);
	for (size_t i = 0; i < files->count; i++)
		if (str_eq(files->items[i].name, name))
			return str_eq(files->items[i].sha256, sha256)
				       ? 0
				       : err_set(err, ERR_INPUT, "the archive has two files of the "
						 "name %s", name);
	files->items = xrealloc(files->items, (files->count + 1) * sizeof(*files->items));
	struct remote_file *file = &files->items[files->count++];
	*file = (struct remote_file){ .uri = xstrdup(uri), .name = xstrdup(name),
				      .size_bytes = size_bytes };
	memcpy(file->sha256, sha256, sizeof(file->sha256));
	return 0;
}

static int parse_line(struct remote_files *files, const char *line, struct err *err)
{
	_cleanup_strv_ struct strv word = STRV_INIT;
	uint64_t size = 0;
	strv_split(&word, line, " '");
	if (word.count < 4 || !str_starts(word.items[3], "SHA256:"))
		return err_set(err, ERR_PROGRAM, "apt-get --print-uris: '%.200s' has no SHA-256",
			       line);
	if (number_parse(word.items[2], 0, INT64_MAX, &size, "size", err) < 0)
		return -1;
	return remote_files_add(files, word.items[0], word.items[1], size,
				word.items[3] + strlen("SHA256:"), err);
}

int remote_files_parse(struct remote_files *files, const char *text, struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (lines.items[i][0] == '\'' && parse_line(files, lines.items[i], err) < 0)
			return -1;
	return 0;
}

static int make_parent(const char *path, struct err *err)
{
	_cleanup_free_ char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	return make_dirs(dir, 0755, err);
}

/* What is there under that name is no use, or would be taken for the beginning of it. */
static int add_to_batch(const struct remote_file *file, const char *dir, struct strv *args,
			struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, file->name);
	if (make_parent(path, err) < 0)
		return -1;
	unlink(path);
	strv_addv(args, file->uri, path, NULL);
	strv_addf(args, "SHA256:%s", file->sha256);
	return 0;
}

/* The first of files[from..to) that is not in `dir` with its hash, or NULL. */
static const struct remote_file *find_wrong(const struct remote_files *files, size_t from,
					    size_t to, const char *dir)
{
	for (size_t i = from; i < to; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, files->items[i].name);
		if (!sha256_file_is(path, files->items[i].sha256))
			return &files->items[i];
	}
	return NULL;
}

/* Fetch files from *next on, and move *next behind them. */
static int fetch_batch(const struct remote_files *files, const struct apt_root *apt,
		       const char *dir, size_t *next, uint64_t *bytes, struct err *err)
{
	_cleanup_strv_ struct strv args = STRV_INIT;
	size_t first = *next;
	strv_addv(&args, APT_HELPER, "-q", "download-file", NULL);
	for (*bytes = 0; *next < files->count && *next - first < BATCH_FILES &&
			 *bytes < BATCH_BYTES; (*next)++) {
		if (add_to_batch(&files->items[*next], dir, &args, err) < 0)
			return -1;
		*bytes += files->items[*next].size_bytes;
	}
	int result = apt_root_run(apt, &args, NULL, err);
	const struct remote_file *wrong = find_wrong(files, first, *next, dir);
	if (result < 0)
		return err_prefix(err, "cannot fetch %s (not there, or not as it was signed)",
				  wrong ? wrong->uri : "all of it");
	return wrong ? err_set(err, ERR_SIGNATURE, "%s is not as it was signed", wrong->uri) : 0;
}

static int fetch_all(const struct remote_files *files, uint64_t total, const struct apt_root *apt,
		     const char *dir, struct err *err)
{
	_cleanup_free_ char *text = size_format(total);
	_cleanup_free_ char *others =
		files->count > 1 ? xasprintf(" and %zu more", files->count - 1) : xstrdup("");
	log_info("fetching %s%s, %s", files->items[0].name, others, text);
	_cleanup_(progress_freep) struct progress *progress = progress_new("fetching", total);
	size_t next = 0;
	uint64_t bytes = 0;
	while (next < files->count) {
		if (fetch_batch(files, apt, dir, &next, &bytes, err) < 0)
			return -1;
		progress_add(progress, bytes);
	}
	return 0;
}

int remote_files_fetch(const struct remote_files *files, const struct apt_root *apt,
		       const char *dir, struct err *err)
{
	_cleanup_(remote_files_destroy) struct remote_files missing = { 0 };
	uint64_t total = 0;
	for (size_t i = 0; i < files->count; i++) {
		const struct remote_file *file = &files->items[i];
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, file->name);
		if (sha256_file_is(path, file->sha256))
			continue;
		total += file->size_bytes;
		if (remote_files_add(&missing, file->uri, file->name, file->size_bytes,
				     file->sha256, err) < 0)
			return -1;
	}
	return missing.count ? fetch_all(&missing, total, apt, dir, err) : 0;
}

static int place(const char *from, const char *to, struct err *err)
{
	_cleanup_strv_ struct strv args = STRV_INIT;
	if (make_parent(to, err) < 0)
		return -1;
	if (link(from, to) == 0)
		return 0;
	strv_addv(&args, "cp", "--reflink=auto", "--", from, to, NULL);
	return tool_run(&args, err);
}

int remote_files_place(const struct remote_files *files, const char *dir, const char *tree,
		       uint64_t *total_bytes, struct err *err)
{
	for (size_t i = 0; i < files->count; i++) {
		const struct remote_file *file = &files->items[i];
		_cleanup_free_ char *from = xasprintf("%s/%s", dir, file->name);
		_cleanup_free_ char *to = xasprintf("%s/%s", tree, file->name);
		if (place(from, to, err) < 0)
			return -1;
		*total_bytes += file->size_bytes;
	}
	return 0;
}
