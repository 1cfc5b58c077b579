/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/atomic-file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int write_all(int fd, const void *data, size_t len, struct err *err)
{
	const char *at = data;
	while (len) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "write");
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static char *dir_of(const char *path)
{
	_cleanup_free_ char *copy = xstrdup(path);
	return xstrdup(dirname(copy));
}

static int fsync_dir(const char *dir, struct err *err)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open directory %s", dir);
	if (fsync(fd) < 0)
		return err_sys(err, "fsync directory %s", dir);
	return 0;
}

int fsync_dir_of(const char *path, struct err *err)
{
	_cleanup_free_ char *dir = dir_of(path);
	return fsync_dir(dir, err);
}

/* Beside the target, hidden, and unlikely to meet another writer's. */
static char *tmp_name(const char *path)
{
	uint32_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (uint32_t)monotonic_ms();
	_cleanup_free_ char *dir = dir_of(path);
	_cleanup_free_ char *copy = xstrdup(path);
	return xasprintf("%s/.%s.tmp-%ld-%08x", dir, basename(copy), (long)getpid(), random);
}

int atomic_file_open(const char *path, mode_t mode, struct atomic_file **out, struct err *err)
{
	*out = NULL;
	_cleanup_(atomic_file_freep) struct atomic_file *file = xcalloc(1, sizeof(*file));
	file->path = xstrdup(path);
	char *tmp = tmp_name(path);
	file->fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file->fd < 0) {
		err_sys(err, "create %s", tmp);
		free(tmp);
		return -1;
	}
	file->tmp_path = tmp;
	/* Exactly the mode that was asked for, whatever the umask. */
	if (fchmod(file->fd, mode) < 0)
		return err_sys(err, "set the mode of %s", tmp);
	*out = steal(&file);
	return 0;
}

int atomic_file_commit(struct atomic_file *file, struct err *err)
{
	if (fsync(file->fd) < 0)
		return err_sys(err, "fsync %s", file->tmp_path);
	return atomic_file_commit_unflushed(file, err);
}

int atomic_file_commit_unflushed(struct atomic_file *file, struct err *err)
{
	if (atomic_rename(file->tmp_path, file->path, err) < 0)
		return -1;
	free(steal(&file->tmp_path));
	return 0;
}

void atomic_file_free(struct atomic_file *file)
{
	if (!file)
		return;
	closep(&file->fd);
	if (file->tmp_path)
		unlink(file->tmp_path);
	free(file->tmp_path);
	free(file->path);
	free(file);
}

int atomic_file_write(const char *path, const void *data, size_t len, mode_t mode,
		      struct err *err)
{
	_cleanup_(atomic_file_freep) struct atomic_file *file = NULL;
	if (atomic_file_open(path, mode, &file, err) < 0)
		return -1;
	if (write_all(file->fd, data, len, err) < 0)
		return err_prefix(err, "%s", path);
	return atomic_file_commit(file, err);
}

int atomic_rename(const char *from, const char *to, struct err *err)
{
	if (rename(from, to) < 0)
		return err_sys(err, "rename %s to %s", from, to);
	_cleanup_free_ char *from_dir = dir_of(from);
	_cleanup_free_ char *to_dir = dir_of(to);
	if (fsync_dir(to_dir, err) < 0)
		return -1;
	return str_eq(from_dir, to_dir) ? 0 : fsync_dir(from_dir, err);
}

int atomic_unlink(const char *path, struct err *err)
{
	if (unlink(path) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return err_sys(err, "remove %s", path);
	}
	return fsync_dir_of(path, err);
}

int atomic_link(const char *from, const char *to, struct err *err)
{
	struct stat a, b;
	if (stat(from, &a) < 0)
		return err_sys(err, "%s", from);
	if (lstat(to, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return 0;
	_cleanup_free_ char *tmp = tmp_name(to);
	if (link(from, tmp) < 0)
		return err_sys(err, "link %s to %s", from, tmp);
	if (atomic_rename(tmp, to, err) < 0) {
		unlink(tmp);
		return -1;
	}
	return 0;
}

int make_dirs(const char *path, mode_t mode, struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(path);
	for (char *at = copy + 1;; at++) {
		if (*at && *at != '/')
			continue;
		char kept = *at;
		*at = '\0';
		struct stat st;
		if (mkdir(copy, mode) < 0 &&
		    (errno != EEXIST || stat(copy, &st) < 0 || !S_ISDIR(st.st_mode))) {
			if (errno == EEXIST)
				errno = ENOTDIR;
			return err_sys(err, "make directory %s", copy);
		}
		*at = kept;
		if (!kept)
			return 0;
	}
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

int remove_tree(const char *path, struct err *err)
{
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		return err_sys(err, "remove %s", path);
	return 0;
}

/* From the descriptor's offset to the end, at most `room` bytes. */
static int read_up_to(int fd, const char *path, char *text, size_t room, size_t *used,
		      struct err *err)
{
	*used = 0;
	while (*used < room) {
		ssize_t n = read(fd, text + *used, room - *used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read %s", path);
		if (n == 0)
			break;
		*used += (size_t)n;
	}
	return 0;
}

int file_read_fd(int fd, const char *path, size_t max_bytes, char **data, size_t *len,
		 struct err *err)
{
	*data = NULL;
	*len = 0;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT, "%s is not a regular file", path);

	/* One byte more than allowed tells a file that is too large, or grew. What is in /proc
	 * does not say its size. */
	bool sized = st.st_size > 0 && (uint64_t)st.st_size < max_bytes;
	size_t room = sized ? (size_t)st.st_size + 1 : max_bytes + 1;
	_cleanup_free_ char *text = xmalloc(room + 1);
	size_t used = 0;
	if (read_up_to(fd, path, text, room, &used, err) < 0)
		return -1;
	if (used > max_bytes || (uint64_t)st.st_size > max_bytes)
		return err_set(err, ERR_TOO_LARGE, "%s is larger than %zu bytes", path, max_bytes);
	text[used] = '\0';
	*len = used;
	*data = steal(&text);
	return 0;
}

int file_read(const char *path, size_t max_bytes, char **data, size_t *len, struct err *err)
{
	*data = NULL;
	*len = 0;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "%s does not exist", path);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	return file_read_fd(fd, path, max_bytes, data, len, err);
}

bool file_exists(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}
