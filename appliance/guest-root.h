/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in a guest's disk its root file system is. Bytes in, no libext2fs. */
#ifndef WAYBILL_GUEST_ROOT_H
#define WAYBILL_GUEST_ROOT_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum { GUEST_MAX_PARTS = 128 };

/* First byte and length of each partition. */
struct guest_parts {
	struct { uint64_t start, bytes; } items[GUEST_MAX_PARTS];
	size_t count;
};

/* How the table is read: as nbd_disk_read(). */
typedef int (*guest_read_fn)(void *arg, uint64_t offset, void *data, size_t len,
			     struct err *err);

/* The partitions of a GPT or of the four entries of an MBR; a disk without a table has one,
 * which is all of it. Logical partitions are not looked at.
 * Errors: ERR_INPUT (a table that is none), those of `read`.
 * Source: UEFI specification 2.10, 5.3. */
int guest_parts_read(guest_read_fn read, void *arg, uint64_t disk_bytes,
		     struct guest_parts *out, struct err *err) _must_check_;

/* What a file system that starts so is: "ext", "btrfs", "XFS" ..., or NULL.
 * head: its first GUEST_HEAD_BYTES, or all of it. */
#define GUEST_HEAD_BYTES (128 << 10)
const char *guest_fs_name(const uint8_t *head, size_t len);

#endif
