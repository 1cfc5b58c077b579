/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/seed-archive.h"

#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/archive-util.h"
#include "common/atomic-file.h"
#include "common/strv.h"
#include "common/util.h"

enum { MAX_FILE_BYTES = 256 << 20 };

struct seed_file {
	char *path;
	char *data;	/* of a link: its target */
	size_t len;
	mode_t mode;	/* with its type: S_IFREG, S_IFLNK, S_IFDIR */
};

struct seed_archive {
	struct seed_file *files;
	size_t count;
};

struct seed_archive *seed_archive_new(void)
{
	return xcalloc(1, sizeof(struct seed_archive));
}

void seed_archive_free(struct seed_archive *seed)
{
	if (!seed)
		return;
	for (size_t i = 0; i < seed->count; i++) {
		free(seed->files[i].path);
		free(seed->files[i].data);
	}
	free(seed->files);
	free(seed);
}

static struct seed_file *find(const struct seed_archive *seed, const char *path)
{
	for (size_t i = 0; i < seed->count; i++)
		if (str_eq(seed->files[i].path, path))
			return &seed->files[i];
	return NULL;
}

static void add_node(struct seed_archive *seed, const char *path, const void *data, size_t len,
		     mode_t mode)
{
	struct seed_file *file = find(seed, path);
	if (!file) {
		seed->files = xrealloc(seed->files, (seed->count + 1) * sizeof(*seed->files));
		file = &seed->files[seed->count++];
		*file = (struct seed_file){ .path = xstrdup(path) };
	}
	free(file->data);
	file->data = xmalloc(len + 1);
	memcpy(file->data, data, len);
	file->data[len] = '\0';
	file->len = len;
	file->mode = mode;
}

/* The kernel makes no parents: each directory needs an entry of its own before. */
static void add_parents(struct seed_archive *seed, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		_cleanup_free_ char *parent = xstrndup(path, (size_t)(slash - path));
		if (!find(seed, parent))
			add_node(seed, parent, "", 0, S_IFDIR | 0755);
	}
}

void seed_archive_add(struct seed_archive *seed, const char *path, const void *data, size_t len,
		      mode_t mode)
{
	add_parents(seed, path);
	add_node(seed, path, data, len, S_IFREG | (mode & 0777));
}

/* In the installer these are links into usr/, which a directory would replace. */
static int check_top(const char *path, struct err *err)
{
	static const char *const links[] = { "bin", "lib", "lib64", "sbin" };
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (str_eq(path, links[i]))
			return err_set(err, ERR_INPUT, "the installer's /%s is a link: put it "
				       "into usr/%s", path, path);
	return 0;
}

static int add_entry(struct seed_archive *seed, const FTSENT *entry, const char *path,
		     struct err *err)
{
	char target[4096];
	_cleanup_free_ char *data = NULL;
	size_t len;
	ssize_t n;
	switch (entry->fts_info) {
	case FTS_D:
		if (check_top(path, err) < 0)
			return -1;
		add_node(seed, path, "", 0, S_IFDIR | 0755);
		return 0;
	case FTS_F:
		if (file_read(entry->fts_accpath, MAX_FILE_BYTES, &data, &len, err) < 0)
			return -1;
		seed_archive_add(seed, path, data, len,
				 entry->fts_statp->st_mode & 0100 ? 0755 : 0644);
		return 0;
	case FTS_SL:
	case FTS_SLNONE:
		n = readlink(entry->fts_accpath, target, sizeof(target));
		if (n < 0 || n == (ssize_t)sizeof(target))
			return err_sys(err, "cannot read the link");
		add_node(seed, path, target, (size_t)n, S_IFLNK | 0777);
		return 0;
	case FTS_DP:
		return 0;
	default:
		return err_set(err, ERR_INPUT, "is no file, directory or link, or cannot be read");
	}
}

int seed_archive_add_tree(struct seed_archive *seed, const char *dir, struct err *err)
{
	size_t dir_len = strlen(dir);
	while (dir_len > 1 && dir[dir_len - 1] == '/')
		dir_len--;
	_cleanup_free_ char *root = xstrndup(dir, dir_len);
	char *roots[] = { root, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	int result = 0;
	FTSENT *entry;
	if (!fts)
		return err_sys(err, "cannot read %s", dir);
	while (result == 0 && (entry = fts_read(fts))) {
		if (entry->fts_level == 0 && entry->fts_info != FTS_D &&
		    entry->fts_info != FTS_DP)
			result = err_set(err, ERR_INPUT, "%s is no directory", dir);
		else if (entry->fts_level > 0 &&
			 add_entry(seed, entry, entry->fts_path + dir_len + 1, err) < 0)
			result = err_prefix(err, "%s", entry->fts_path);
	}
	fts_close(fts);
	return result;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct seed_file *)a)->path, ((const struct seed_file *)b)->path);
}

static int write_file(struct archive *a, const struct seed_file *file, unsigned number,
		      struct err *err)
{
	_cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, file->path);
	archive_entry_set_mode(entry, file->mode);
	archive_entry_set_ino(entry, number);
	archive_entry_set_nlink(entry, S_ISDIR(file->mode) ? 2 : 1);
	archive_entry_set_mtime(entry, time_now_reproducible(), 0);
	archive_entry_set_size(entry, S_ISREG(file->mode) ? (la_int64_t)file->len : 0);
	if (S_ISLNK(file->mode))
		archive_entry_set_symlink(entry, file->data);
	if (archive_write_header(a, entry) != ARCHIVE_OK ||
	    (S_ISREG(file->mode) && file->len &&
	     archive_write_data(a, file->data, file->len) != (la_ssize_t)file->len))
		return err_set(err, ERR_SYSTEM, "cannot write %s into the seed: %s", file->path,
			       archive_error_string(a));
	return 0;
}

int seed_archive_write(const struct seed_archive *seed, struct strbuf *out, struct err *err)
{
	_cleanup_(archive_write_freep) struct archive *a = archive_write_new();
	if (archive_write_set_format_cpio_newc(a) != ARCHIVE_OK ||
	    archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
	    archive_write_set_options(a, "gzip:!timestamp") != ARCHIVE_OK ||
	    archive_write_open_strbuf(a, out) != ARCHIVE_OK)
		return err_set(err, ERR_SYSTEM, "cannot write the seed: %s",
			       archive_error_string(a));
	qsort(seed->files, seed->count, sizeof(*seed->files), by_path);
	for (size_t i = 0; i < seed->count; i++)
		if (write_file(a, &seed->files[i], (unsigned)i + 1, err) < 0)
			return -1;
	if (archive_write_close(a) != ARCHIVE_OK)
		return err_set(err, ERR_SYSTEM, "cannot write the seed: %s",
			       archive_error_string(a));
	return 0;
}

int seed_archive_get(const void *gz, size_t gz_len, const char *path, char **data, size_t *len,
		     struct err *err)
{
	_cleanup_(archive_read_freep) struct archive *a = archive_read_new();
	struct archive_entry *entry;
	int result;
	*data = NULL;
	archive_read_support_filter_gzip(a);
	archive_read_support_format_cpio(a);
	if (archive_read_open_memory(a, gz, gz_len) != ARCHIVE_OK)
		return err_set(err, ERR_INPUT, "the seed is no gzipped cpio: %s",
			       archive_error_string(a));
	while ((result = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
		if (!str_same(archive_entry_pathname(entry), path))
			continue;
		la_int64_t size = archive_entry_size(entry);
		if (size < 0 || size > MAX_FILE_BYTES)
			return err_set(err, ERR_TOO_LARGE, "%s in the seed", path);
		_cleanup_free_ char *bytes = xcalloc(1, (size_t)size + 1);
		if (archive_read_data(a, bytes, (size_t)size) != (la_ssize_t)size)
			return err_set(err, ERR_INPUT, "%s in the seed is cut short", path);
		*len = (size_t)size;
		*data = steal(&bytes);
		return 0;
	}
	return result == ARCHIVE_EOF
		       ? err_set(err, ERR_NOT_FOUND, "the seed has no %s", path)
		       : err_set(err, ERR_INPUT, "the seed is damaged: %s",
				 archive_error_string(a));
}
