/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A write-back cache before a device on which each request costs a round trip: libext2fs asks
 * for single blocks, a hundred for what is one request here. */
#ifndef WAYBILL_DISK_CACHE_H
#define WAYBILL_DISK_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "common/util.h"

/* Move exactly `len` bytes at `offset`; 0, or an errno. */
struct disk_device {
	int (*read)(void *arg, uint64_t offset, void *data, size_t len);
	int (*write)(void *arg, uint64_t offset, const void *data, size_t len);
	void *arg;
	uint64_t bytes;
};

struct disk_cache;
/* `device` is copied, and its `arg` must live as long as the cache. */
struct disk_cache *disk_cache_new(const struct disk_device *device);
/* Forgets what was not flushed. */
void disk_cache_free(struct disk_cache *cache);
DEFINE_FREEP(struct disk_cache, disk_cache_free)

/* All return 0, EINVAL beyond the end of the device, or what the device said. */
int disk_cache_read(struct disk_cache *cache, uint64_t offset, void *data, size_t len);
int disk_cache_write(struct disk_cache *cache, uint64_t offset, const void *data, size_t len);
/* Write to the device what it does not have yet. */
int disk_cache_flush(struct disk_cache *cache);

#endif
