/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hygiene for a disk that exists: an ext4 file system without what belongs to one
 * machine or one moment, and with zeros wherever nothing is stored. */
#ifndef WAYBILL_EXT4_CLEAN_H
#define WAYBILL_EXT4_CLEAN_H

#include <stdbool.h>

#include "common/err.h"

/* True if the file begins with an ext2, ext3 or ext4 file system (no partition table). */
bool ext4_clean_is_ext(const char *path);

/* Clean the file system in `path`, a raw copy that may be changed: drop and empty files
 * (imagepkg/hygiene.h), zero the journal, free blocks and free inodes. One that was not
 * unmounted cleanly, or has features that are not known, is ERR_INPUT and unchanged. */
int ext4_clean_run(const char *path, struct err *err) _must_check_;

#endif
