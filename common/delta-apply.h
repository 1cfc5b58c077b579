/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making a package from the installed files of its predecessor and a delta. Nobody may call
 * this with a delta that was not verified against a signed index, but for what an operator
 * does by hand: librsync and zstd are not asked whether they bear everything. */
#ifndef WAYBILL_DELTA_APPLY_H
#define WAYBILL_DELTA_APPLY_H

#include <sys/stat.h>

#include "common/deb.h"
#include "common/delta-basis.h"
#include "common/delta-file.h"
#include "common/err.h"

/* A delta whose structure is right. */
struct delta {
	int fd;
	char *path;
	struct delta_meta *meta;
	uint64_t control_offset;	/* of the members' content in the file */
	uint64_t *offsets;		/* one for each of meta->members */
};

/* Open a delta and read its table of contents; what its members hold is not looked at.
 * Errors: ERR_NOT_FOUND, ERR_INPUT (no delta, or a broken one), ERR_TOO_LARGE. */
int delta_open(const char *path, struct delta **out, struct err *err) _must_check_;
void delta_free(struct delta *delta);
DEFINE_FREEP(struct delta, delta_free)

/* What a file hashed to, for as long as nobody has written to it. */
struct delta_known {
	struct stat st;		/* from before it was hashed */
	char sha256[SHA256_HEX_LEN + 1];
};

/* The files that the delta starts from. */
struct delta_old {
	struct delta_basis basis;
	int fds[DELTA_MAX_BASIS];
	size_t fd_count;
	const struct delta_known *known;	/* borrowed; these are not hashed again */
	size_t known_count;
};
#define DELTA_OLD_INIT { .fd_count = 0 }
void delta_old_close(struct delta_old *old);

/* Open them in the directory where dpkg or the base store has them, or unpack them from the
 * old package into unnamed files in tmp_dir, and hash them. Errors: ERR_NOT_FOUND, ERR_INPUT
 * (altered, or of another version), ERR_NO_SPACE, ERR_SYSTEM. */
int delta_old_from_dir(struct delta_old *old, const struct delta *delta, const char *dir,
		       struct err *err) _must_check_;
int delta_old_from_deb(struct delta_old *old, const struct delta *delta, const struct deb *deb,
		       const char *tmp_dir, struct err *err) _must_check_;
/* One file from here, the others from where delta_old_from_dir() would take them: `paths` has
 * one for each of meta->basis. */
int delta_old_from_paths(struct delta_old *old, const struct delta *delta,
			 const char *const *paths, struct err *err) _must_check_;

/* Write the package to `path`, atomically: its control member and its uncompressed data.tar
 * are those of the published one, which is checked before it gets its name. Takes less than
 * 64 MiB of memory, and room for the package and what the pairs make in path's directory.
 * `go_on`, or NULL, is asked now and then; its error ends it. `sha256`, or NULL: what the file hashes
 * to as it was written, which whoever hands it on compares with what the disk then has; the file is
 * not flushed then, since a power cut would be found out the same way.
 * Errors: ERR_INPUT (damaged), ERR_NO_SPACE, ERR_SYSTEM, go_on's.  Source: docs/spec/delta.md */
int delta_apply(const struct delta *delta, struct delta_old *old, const char *path,
		int (*go_on)(struct err *err), char *sha256, struct err *err) _must_check_;

/* A data.tar of more bytes is stored compressed: what an ar member can hold. Less in tests. */
extern uint64_t delta_plain_max;

#endif
