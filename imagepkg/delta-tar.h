/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A package's uncompressed data.tar in a temporary file, and where its image files lie in it. */
#ifndef WAYBILL_DELTA_TAR_H
#define WAYBILL_DELTA_TAR_H

#include <stdint.h>

#include "common/err.h"
#include "common/hash.h"
#include "common/progress.h"
#include "imagepkg/image-deb.h"

enum delta_tar_id { DELTA_TAR_DISK, DELTA_TAR_KERNEL, DELTA_TAR_INITRD, DELTA_TAR_FILES };
extern const char *const delta_tar_names[DELTA_TAR_FILES];	/* "disk.qcow2", ... */

struct delta_tar {
	int fd;
	uint64_t bytes;
	char sha256[SHA256_HEX_LEN + 1];
	struct { uint64_t offset, bytes; } files[DELTA_TAR_FILES];	/* bytes 0: none */
};
#define DELTA_TAR_INIT { .fd = -1 }

/* Unpack into an unnamed file in tmp_dir; data.tar must be what the control file says.
 * Errors: ERR_INPUT, ERR_NO_SPACE, ERR_SYSTEM. */
int delta_tar_open(const struct image_deb *image, const char *tmp_dir, struct progress *progress,
		   struct delta_tar *out, struct err *err) _must_check_;
void delta_tar_close(struct delta_tar *tar);

#endif
