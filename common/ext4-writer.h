/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filling an ext4 file system entry by entry through libext2fs: no mount, no privileges. A
 * fresh one in a file (the same entries give the same bytes), or an ext2, ext3 or ext4 that
 * is there. */
#ifndef WAYBILL_EXT4_WRITER_H
#define WAYBILL_EXT4_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/util.h"

struct ext4_writer;

/* Make a file system of size_bytes (whole 4 KiB) in `path`, which must not exist.
 * identity: UUID and hash seed depend on it alone; epoch: no time in it is later.
 * Source of the features: docs/spec/recipe.md */
int ext4_writer_new(const char *path, uint64_t size_bytes, const char *identity,
		    int64_t epoch, struct ext4_writer **out, struct err *err) _must_check_;
/* Write into the file system that `io` finds at `name` with `options`. It must be clean:
 * unmounted, checked, its journal empty.
 * Errors: ERR_REFUSED (not clean, or with features that libext2fs does not know),
 * ERR_INPUT (no such file system), ERR_SYSTEM. */
struct struct_io_manager;
int ext4_writer_open(const char *name, const char *options, struct struct_io_manager *io,
		     struct ext4_writer **out, struct err *err) _must_check_;
/* Whether something is there; a symbolic link is not followed. *is_link: it is one. */
bool ext4_writer_has(struct ext4_writer *w, const char *path, bool *is_link);
/* Remove what is there, with all below it; nothing there is success. */
int ext4_writer_remove(struct ext4_writer *w, const char *path, struct err *err) _must_check_;

/* Without ext4_writer_finish() the file is useless. */
void ext4_writer_free(struct ext4_writer *w);
DEFINE_FREEP(struct ext4_writer, ext4_writer_free)

/* Write all that is pending. Nothing can be added afterwards. */
int ext4_writer_finish(struct ext4_writer *w, struct err *err) _must_check_;

/* Owner, mode (permission bits) and time of a new entry. */
struct ext4_attr {
	uint32_t uid, gid;
	mode_t mode;
	int64_t mtime;
};

/* Add an entry. path is relative to the root, its parents must be there; "" with
 * ext4_writer_add_dir() is the root itself. An existing directory gets the attributes.
 * Errors: ERR_INPUT (it is there, no parent, odd name), ERR_NO_SPACE, ERR_SYSTEM. */
int ext4_writer_add_dir(struct ext4_writer *w, const char *path, const struct ext4_attr *attr,
			struct err *err) _must_check_;
int ext4_writer_add_symlink(struct ext4_writer *w, const char *path, const char *target,
			    const struct ext4_attr *attr, struct err *err) _must_check_;
/* type: S_IFCHR, S_IFBLK or S_IFIFO. */
int ext4_writer_add_node(struct ext4_writer *w, const char *path, mode_t type, unsigned major,
			 unsigned minor, const struct ext4_attr *attr, struct err *err) _must_check_;
/* Another name for the file `target`. */
int ext4_writer_add_link(struct ext4_writer *w, const char *path, const char *target,
			 struct err *err) _must_check_;

/* A regular file; its content follows in any number of pieces, then its end. Blocks of
 * zeros become holes. */
int ext4_writer_begin_file(struct ext4_writer *w, const char *path,
			   const struct ext4_attr *attr, struct err *err) _must_check_;
int ext4_writer_file_data(struct ext4_writer *w, const void *data, size_t len,
			  struct err *err) _must_check_;
int ext4_writer_end_file(struct ext4_writer *w, struct err *err) _must_check_;

/* Give the entry that was added last an extended attribute ("security.capability"). */
int ext4_writer_add_xattr(struct ext4_writer *w, const char *name, const void *value,
			  size_t len, struct err *err) _must_check_;

#endif
