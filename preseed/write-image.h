/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copying an image onto a disk, and making sure that it has arrived. */
#ifndef WAYBILL_WRITE_IMAGE_H
#define WAYBILL_WRITE_IMAGE_H

#include <stdint.h>

#include "common/err.h"

/* Write size_bytes of the file `image` to `device`, open for reading and writing, flush them
 * to the medium, drop what the kernel remembers of them, read them back and compare. `path`
 * is for messages. Shows two progress bars on a terminal.
 * Errors: ERR_SYSTEM (a write or read failed), ERR_INCONSISTENT (other bytes came back),
 * ERR_CANCELLED. */
int write_image(int image, int device, uint64_t size_bytes, const char *path,
		struct err *err) _must_check_;

#endif
