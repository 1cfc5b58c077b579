/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The entries of an uncompressed initrd: newc cpio archives, one after the other. */
#ifndef WAYBILL_DELTA_CPIO_H
#define WAYBILL_DELTA_CPIO_H

#include <stddef.h>
#include <stdint.h>

#include "common/util.h"

struct delta_cpio_entry {
	char *path;
	uint64_t start;		/* of its header in the initrd */
	uint64_t data, bytes;	/* its content */
};

struct delta_cpio {
	struct delta_cpio_entry *entries;	/* in the order of the initrd */
	size_t count;
	uint64_t bytes;		/* of the initrd */
	size_t *by_path;	/* indices, sorted by path */
};

/* Read the headers of the `bytes` bytes at `offset` of fd. What is no cpio archive has no
 * entries: they decide how small a delta gets, not whether it is right. Free it. */
struct delta_cpio *delta_cpio_read(int fd, uint64_t offset, uint64_t bytes);
void delta_cpio_free(struct delta_cpio *cpio);
DEFINE_FREEP(struct delta_cpio, delta_cpio_free)

/* The entry with that path, or NULL. */
const struct delta_cpio_entry *delta_cpio_find(const struct delta_cpio *cpio, const char *path);

#endif
