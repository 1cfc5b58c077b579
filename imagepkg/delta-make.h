/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making a delta between two image packages. */
#ifndef WAYBILL_DELTA_MAKE_H
#define WAYBILL_DELTA_MAKE_H

#include <stdint.h>

#include "common/err.h"

struct delta_made {
	uint64_t bytes;		/* of the delta */
	uint64_t full_bytes;	/* of the new package */
	uint64_t pairs, pair_bytes, rdiff_bytes;	/* their number; bytes in the delta */
};

/* Write the delta that makes new_deb out of old_deb's installed files to `path`, atomically.
 * Both are image packages of one name and architecture, and of two versions. Needs room in
 * tmp_dir for both disks, unpacked, and takes at most 256 MiB of memory.
 * Errors: ERR_USAGE (no two such packages), ERR_TOO_LARGE (not smaller than new_deb: the delta
 * is not written), those of image_deb_open(), ERR_NO_SPACE, ERR_SYSTEM.
 * Source: docs/spec/delta.md */
int delta_make(const char *old_deb, const char *new_deb, const char *path, const char *tmp_dir,
	       struct delta_made *made, struct err *err) _must_check_;

/* "<name>_<old>_<new>_<arch>.delta" for the two packages; free it. */
int delta_file_name(const char *old_deb, const char *new_deb, char **name,
		    struct err *err) _must_check_;

#endif
