/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything that can be known of an image package without installing it. */
#ifndef WAYBILL_VERIFY_H
#define WAYBILL_VERIFY_H

#include <stddef.h>

#include "common/err.h"

/* Check structure, control fields, maintainer scripts, every file's checksum, the
 * digests, appliance.conf against control, and the disk with qemu-img. *files receives
 * the number of files. Errors: those of image_deb_open(); ERR_INPUT says what is wrong. */
int verify_image_deb(const char *path, size_t *files, struct err *err) _must_check_;

#endif
