/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are there whole or not at all: temporary, fsync, rename, fsync of
 * the directory. Crash-safety: until rename() the old name is untouched; rename
 * replaces it in one step; the directory's fsync makes the step durable. */
#ifndef WAYBILL_ATOMIC_FILE_H
#define WAYBILL_ATOMIC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/util.h"

/* Write `data` to `path`, replacing it. Missing parents are an error. */
int atomic_file_write(const char *path, const void *data, size_t len, mode_t mode,
		      struct err *err) _must_check_;

/* For larger files: open, write to ->fd, then commit. A handle that is freed
 * without commit leaves nothing behind. */
struct atomic_file {
	int fd;
	char *path;
	char *tmp_path;	/* beside path: ".<name>.tmp-<pid>-<random>" */
};
int atomic_file_open(const char *path, mode_t mode, struct atomic_file **out,
		     struct err *err) _must_check_;
int atomic_file_commit(struct atomic_file *file, struct err *err) _must_check_;
/* The same for a file whose hash is compared before it is used: a power cut may leave other bytes. */
int atomic_file_commit_unflushed(struct atomic_file *file, struct err *err) _must_check_;
void atomic_file_free(struct atomic_file *file);
DEFINE_FREEP(struct atomic_file, atomic_file_free)

/* rename() and fsync of the directory of `to` (and of `from`, if another). */
int atomic_rename(const char *from, const char *to, struct err *err) _must_check_;

/* unlink() and fsync of its directory; a missing file is success. */
int atomic_unlink(const char *path, struct err *err) _must_check_;

/* Hard-link `from` as `to` durably; if `to` is the same inode already, success. */
int atomic_link(const char *from, const char *to, struct err *err) _must_check_;

int fsync_dir_of(const char *path, struct err *err) _must_check_;

/* mkdir -p, mode for the directories that are made. */
int make_dirs(const char *path, mode_t mode, struct err *err) _must_check_;

/* Remove a tree without following symbolic links; missing is success. */
int remove_tree(const char *path, struct err *err) _must_check_;

/* Read a whole regular file of at most max_bytes; *data is NUL-terminated and
 * owned by the caller. Errors: ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_SYSTEM. */
int file_read(const char *path, size_t max_bytes, char **data, size_t *len,
	      struct err *err) _must_check_;

/* The same from an open descriptor, which stays open; `path` is for messages. For
 * files that must be opened with care (O_NOFOLLOW, O_NONBLOCK). */
int file_read_fd(int fd, const char *path, size_t max_bytes, char **data, size_t *len,
		 struct err *err) _must_check_;

/* write() until all is written; no short writes, EINTR repeated. */
int write_all(int fd, const void *data, size_t len, struct err *err) _must_check_;

bool file_exists(const char *path);

#endif
