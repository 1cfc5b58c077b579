/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/disk-cache.h"

#include <errno.h>
#include <stdlib.h>

enum {
	LINE_BYTES = 64 * 1024, /* qcow2's cluster: less does not make the file smaller */
	LINES = 64,
};

struct line {
	uint64_t start; /* in the device */
	size_t len;	/* 0: empty; short at the end of the device */
	uint64_t used;	/* when; greater is later */
	bool dirty;
	char *data;
};

struct disk_cache {
	struct disk_device device;
	uint64_t clock;
	struct line lines[LINES];
};

struct disk_cache *disk_cache_new(const struct disk_device *device)
{
	struct disk_cache *cache = xcalloc(1, sizeof(*cache));
	cache->device = *device;
	for (size_t i = 0; i < LINES; i++)
		cache->lines[i].data = xmalloc(LINE_BYTES);
	return cache;
}

void disk_cache_free(struct disk_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < LINES; i++)
		free(cache->lines[i].data);
	free(cache);
}

static int write_back(struct disk_cache *cache, struct line *line)
{
	const struct disk_device *device = &cache->device;
	if (!line->dirty)
		return 0;
	int rc = device->write(device->arg, line->start, line->data, line->len);
	line->dirty = rc != 0;
	return rc;
}

/* Take the line out of use that was used least lately, and fill it. */
static int fill(struct disk_cache *cache, uint64_t start, struct line **out)
{
	const struct disk_device *device = &cache->device;
	struct line *line = &cache->lines[0];
	for (size_t i = 1; i < LINES; i++) {
		if (cache->lines[i].used < line->used)
			line = &cache->lines[i];
	}
	int rc = write_back(cache, line);
	if (rc)
		return rc;
	uint64_t left = device->bytes - start;
	size_t len = left < LINE_BYTES ? (size_t)left : LINE_BYTES;
	line->len = 0;
	rc = device->read(device->arg, start, line->data, len);
	if (rc)
		return rc;
	line->start = start;
	line->len = len;
	*out = line;
	return 0;
}

static int find(struct disk_cache *cache, uint64_t offset, struct line **out)
{
	uint64_t start = offset - offset % LINE_BYTES;
	int rc = 0;
	*out = NULL;
	for (size_t i = 0; i < LINES && !*out; i++) {
		if (cache->lines[i].len && cache->lines[i].start == start)
			*out = &cache->lines[i];
	}
	if (!*out)
		rc = fill(cache, start, out);
	if (rc == 0)
		(*out)->used = ++cache->clock;
	return rc;
}

/* Exactly one of `to` and `from` is there. */
static int move(struct disk_cache *cache, uint64_t offset, char *to, const char *from,
		size_t len)
{
	if (offset > cache->device.bytes || len > cache->device.bytes - offset)
		return EINVAL;
	for (size_t done = 0; done < len;) {
		struct line *line;
		int rc = find(cache, offset + done, &line);
		if (rc)
			return rc;
		size_t at = (size_t)(offset + done - line->start);
		size_t n = len - done < line->len - at ? len - done : line->len - at;
		if (to)
			memcpy(to + done, line->data + at, n);
		else
			memcpy(line->data + at, from + done, n);
		line->dirty |= !to;
		done += n;
	}
	return 0;
}

int disk_cache_read(struct disk_cache *cache, uint64_t offset, void *data, size_t len)
{
	return move(cache, offset, data, NULL, len);
}

int disk_cache_write(struct disk_cache *cache, uint64_t offset, const void *data, size_t len)
{
	return move(cache, offset, NULL, data, len);
}

int disk_cache_flush(struct disk_cache *cache)
{
	for (size_t i = 0; i < LINES; i++) {
		int rc = write_back(cache, &cache->lines[i]);
		if (rc)
			return rc;
	}
	return 0;
}
