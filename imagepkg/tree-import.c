/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/tree-import.h"

#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/archive-util.h"
#include "imagepkg/hygiene.h"

enum { CHUNK_BYTES = 1 << 20 };

struct run {
	struct tree_import *import;
	struct ext4_writer *w;
	struct archive *tar;
	char *chunk;	/* CHUNK_BYTES */
};

static void run_destroy(struct run *run)
{
	if (run->tar)
		archive_read_free(run->tar);
	free(run->chunk);
}

static int tar_fail(const struct run *run, struct err *err)
{
	const char *why = archive_error_string(run->tar);
	return err_set(err, ERR_INPUT, "cannot read %s: %s", run->import->tar_path,
		       why ? why : "broken tar");
}

/* "./usr/bin/" -> "usr/bin"; free it. */
static char *clean_path(const char *path)
{
	while (str_starts(path, "./") || path[0] == '/')
		path += path[0] == '/' ? 1 : 2;
	size_t len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	return len == 1 && path[0] == '.' ? xstrdup("") : xstrndup(path, len);
}

/* The part of `path` below `tree`, "" for tree itself, NULL if it lies elsewhere. */
static const char *below(const char *tree, const char *path)
{
	size_t len = strlen(tree);
	if (len == 0)
		return path;
	if (strncmp(path, tree, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return NULL;
	return path[len] == '/' ? path + len + 1 : path + len;
}

static bool is_left_out(const struct tree_import *import, const char *path, mode_t type)
{
	static const char *const boot_links[] = { "vmlinuz", "vmlinuz.old", "initrd.img",
						  "initrd.img.old" };
	for (const char *const *p = import->leave_out; p && *p; p++)
		if (type == S_IFREG && str_eq(*p, path))
			return true;
	for (size_t i = 0; import->kernel_out && i < ARRAY_SIZE(boot_links); i++)
		if (str_eq(path, boot_links[i]) ||
		    (str_starts(path, "boot/") && str_eq(path + 5, boot_links[i])))
			return true;
	return false;
}

/* --- the kernel and the initrd ------------------------------------------------- */

static int next_chunk(const struct run *run, size_t *len, struct err *err)
{
	la_ssize_t n = archive_read_data(run->tar, run->chunk, CHUNK_BYTES);
	if (n < 0)
		return tar_fail(run, err);
	*len = (size_t)n;
	return 0;
}

static int save_to(const struct run *run, const char *path, struct err *err)
{
	size_t len = 0;
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "cannot make %s", path);
	do {
		if (next_chunk(run, &len, err) != 0)
			return -1;
		if (write_all(fd, run->chunk, len, err) != 0)
			return err_prefix(err, "%s", path);
	} while (len > 0);
	return 0;
}

/* 1: `path` is a file of that kind and has been dealt with, 0: it is not. */
static int set_aside(const struct run *run, const char *path, const char *prefix,
		     const char *out, char **release, struct err *err)
{
	if (!str_starts(path, prefix))
		return 0;
	const char *found = path + strlen(prefix);
	if (*release && version_compare(found, *release) < 0)
		return 1;
	free(*release);
	*release = xstrdup(found);
	return save_to(run, out, err) == 0 ? 1 : -1;
}

static int set_aside_boot_file(const struct run *run, const char *path, mode_t type,
			       struct err *err)
{
	struct tree_import *import = run->import;
	if (!import->kernel_out || type != S_IFREG)
		return 0;
	int rc = set_aside(run, path, "boot/vmlinuz-", import->kernel_out,
			   &import->kernel_release, err);
	if (rc == 0)
		rc = set_aside(run, path, "boot/initrd.img-", import->initrd_out,
			       &import->initrd_release, err);
	return rc;
}

/* --- the disk -------------------------------------------------------------------- */

static int add_content(const struct run *run, const char *path, const struct ext4_attr *attr,
		       bool empty, struct err *err)
{
	if (ext4_writer_begin_file(run->w, path, attr, err) != 0)
		return -1;
	size_t len = empty ? 0 : 1;
	while (len > 0) {
		if (next_chunk(run, &len, err) != 0 ||
		    ext4_writer_file_data(run->w, run->chunk, len, err) != 0)
			return err_prefix(err, "/%s", path);
	}
	return ext4_writer_end_file(run->w, err);
}

static int add_xattrs(const struct run *run, struct archive_entry *entry, struct err *err)
{
	const char *name = NULL;
	const void *value = NULL;
	size_t len = 0;
	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK)
		if (ext4_writer_add_xattr(run->w, name, value, len, err) != 0)
			return -1;
	return 0;
}

static int add_link(const struct run *run, const char *path, const char *target, struct err *err)
{
	_cleanup_free_ char *clean = clean_path(target);
	const char *to = below(run->import->tree, clean);
	if (!to)
		return err_set(err, ERR_INPUT, "/%s is a hard link to /%s, which is no part of "
			       "the disk", path, clean);
	return ext4_writer_add_link(run->w, path, to, err);
}

static int add_entry(const struct run *run, struct archive_entry *entry, const char *path,
		     enum hygiene_action action, struct err *err)
{
	const struct ext4_attr attr = { .uid = (uint32_t)archive_entry_uid(entry),
					.gid = (uint32_t)archive_entry_gid(entry),
					.mode = archive_entry_perm(entry),
					.mtime = archive_entry_mtime(entry) };
	if (archive_entry_hardlink(entry))
		return add_link(run, path, archive_entry_hardlink(entry), err);
	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR:
		return ext4_writer_add_dir(run->w, path, &attr, err);
	case AE_IFREG:
		return add_content(run, path, &attr, action == HYGIENE_EMPTY, err);
	case AE_IFLNK:
		return ext4_writer_add_symlink(run->w, path, archive_entry_symlink(entry), &attr,
					       err);
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
		return ext4_writer_add_node(run->w, path, archive_entry_filetype(entry),
					    (unsigned)archive_entry_rdevmajor(entry),
					    (unsigned)archive_entry_rdevminor(entry), &attr, err);
	default:
		return err_set(err, ERR_INPUT, "/%s is of a type that a disk cannot hold", path);
	}
}

static int import_entry(const struct run *run, struct archive_entry *entry, struct err *err)
{
	const char *raw = archive_entry_pathname(entry);
	if (!raw)
		return tar_fail(run, err);
	_cleanup_free_ char *path = clean_path(raw);
	int aside = set_aside_boot_file(run, path, archive_entry_filetype(entry), err);
	if (aside != 0)
		return aside < 0 ? -1 : 0;
	const char *to = below(run->import->tree, path);
	if (!to || is_left_out(run->import, to, archive_entry_filetype(entry)))
		return 0;
	enum hygiene_action action = hygiene_of(to);
	if (action == HYGIENE_DROP) {
		log_debug("left out: /%s", to);
		return 0;
	}
	if (add_entry(run, entry, to, action, err) != 0 || add_xattrs(run, entry, err) != 0)
		return -1;
	return 0;
}

static int import_all(struct tree_import *import, struct ext4_writer *w, struct err *err)
{
	_cleanup_(run_destroy) struct run run = { .import = import, .w = w,
						  .tar = archive_read_new(),
						  .chunk = xmalloc(CHUNK_BYTES) };
	struct archive_entry *entry = NULL;
	int rc;
	archive_read_support_format_tar(run.tar);
	if (archive_read_open_filename(run.tar, import->tar_path, CHUNK_BYTES) != ARCHIVE_OK)
		return tar_fail(&run, err);
	while ((rc = archive_read_next_header(run.tar, &entry)) == ARCHIVE_OK)
		if (import_entry(&run, entry, err) != 0)
			return -1;
	return rc == ARCHIVE_EOF ? 0 : tar_fail(&run, err);
}

/* The names in a pax header are UTF-8, and libarchive (3.6.2) gives them only to a
 * locale that can hold them. */
int tree_import_run(struct tree_import *import, struct ext4_writer *w, struct err *err)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8 == (locale_t)0)
		return err_sys(err, "cannot use the locale C.UTF-8");
	locale_t before = uselocale(utf8);
	int rc = import_all(import, w, err);
	uselocale(before);
	freelocale(utf8);
	return rc;
}
