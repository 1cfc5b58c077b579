/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The seed: a gzipped newc cpio that the kernel unpacks over the installer's initrd. */
#ifndef WAYBILL_SEED_ARCHIVE_H
#define WAYBILL_SEED_ARCHIVE_H

#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/strbuf.h"

struct seed_archive;

/* Files are added in any order; the archive's depends on their names alone. Nothing in it
 * depends on this machine or, but for the dates, on the time. */
struct seed_archive *seed_archive_new(void);
void seed_archive_free(struct seed_archive *seed);
static inline void seed_archive_freep(struct seed_archive **s) { seed_archive_free(*s); }

/* `path` without a leading slash; `data` is copied. A second file of that name replaces the
 * first. */
void seed_archive_add(struct seed_archive *seed, const char *path, const void *data, size_t len,
		      mode_t mode);

/* Add all files and links below `dir`. Errors: ERR_SYSTEM, ERR_INPUT (a device, a directory
 * where the installer has a link such as /lib). */
int seed_archive_add_tree(struct seed_archive *seed, const char *dir,
			  struct err *err) _must_check_;

int seed_archive_write(const struct seed_archive *seed, struct strbuf *out,
		       struct err *err) _must_check_;

/* A file of a written one, to be freed; ERR_NOT_FOUND. data is NUL-terminated. */
int seed_archive_get(const void *gz, size_t gz_len, const char *path, char **data, size_t *len,
		     struct err *err) _must_check_;

#endif
