/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/delta-cpio.h"

#include "common/delta-basis.h"

/* Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst */
enum { HEADER_BYTES = 110, FIELD_BYTES = 8, FIELD_SIZE = 6, FIELD_NAME = 11, MAX_NAME = 1024,
       MAX_ENTRIES = 1 << 20 };

void delta_cpio_free(struct delta_cpio *cpio)
{
	if (!cpio)
		return;
	for (size_t i = 0; i < cpio->count; i++)
		free(cpio->entries[i].path);
	free(cpio->entries);
	free(cpio->by_path);
	free(cpio);
}

static bool get_field(const char *header, int n, uint64_t *value)
{
	char digits[FIELD_BYTES + 1] = { 0 };
	char *end = NULL;
	memcpy(digits, header + 6 + FIELD_BYTES * n, FIELD_BYTES);
	*value = strtoull(digits, &end, 16);
	return end == digits + FIELD_BYTES;
}

static void add(struct delta_cpio *cpio, const struct delta_cpio_entry *entry)
{
	if ((cpio->count & (cpio->count - 1)) == 0)
		cpio->entries = xrealloc(cpio->entries, (cpio->count ? 2 * cpio->count : 1) *
								sizeof(*cpio->entries));
	cpio->entries[cpio->count++] = *entry;
}

/* The entry at `at`; false if there is none. */
static bool read_entry(int fd, uint64_t offset, uint64_t at, uint64_t end,
		       struct delta_cpio_entry *entry)
{
	_cleanup_err_ struct err err = ERR_INIT;
	char header[HEADER_BYTES], name[MAX_NAME + 1] = { 0 };
	uint64_t name_bytes = 0, bytes = 0;
	if (end - at < HEADER_BYTES || delta_pread(fd, header, sizeof(header), offset + at, &err) != 0 ||
	    memcmp(header, "07070", 5) != 0 || !get_field(header, FIELD_SIZE, &bytes) ||
	    !get_field(header, FIELD_NAME, &name_bytes))
		return false;
	uint64_t data = (at + HEADER_BYTES + name_bytes + 3) & ~UINT64_C(3);
	if (name_bytes == 0 || name_bytes > MAX_NAME || data > end || bytes > end - data ||
	    delta_pread(fd, name, (size_t)name_bytes, offset + at + HEADER_BYTES, &err) != 0)
		return false;
	*entry = (struct delta_cpio_entry){ xstrdup(name), at, data, bytes };
	return true;
}

/* The next header: archives are padded with zeros. */
static uint64_t skip_padding(int fd, uint64_t offset, uint64_t at, uint64_t end)
{
	_cleanup_err_ struct err err = ERR_INIT;
	char word[4];
	while (end - at >= sizeof(word) && delta_pread(fd, word, 4, offset + at, &err) == 0 &&
	       memcmp(word, "\0\0\0\0", 4) == 0)
		at += 4;
	return at;
}

static int by_path(const void *a, const void *b, void *arg)
{
	const struct delta_cpio *cpio = arg;
	return strcmp(cpio->entries[*(const size_t *)a].path, cpio->entries[*(const size_t *)b].path);
}

struct delta_cpio *delta_cpio_read(int fd, uint64_t offset, uint64_t bytes)
{
	struct delta_cpio *cpio = xcalloc(1, sizeof(*cpio));
	struct delta_cpio_entry entry;
	cpio->bytes = bytes;
	for (uint64_t at = 0; cpio->count < MAX_ENTRIES &&
			      read_entry(fd, offset, at, bytes, &entry);) {
		bool last = str_eq(entry.path, "TRAILER!!!");
		at = (entry.data + entry.bytes + 3) & ~UINT64_C(3);
		add(cpio, &entry);
		if (at > bytes)
			break;
		if (last)
			at = skip_padding(fd, offset, at, bytes);
	}
	cpio->by_path = xcalloc(cpio->count, sizeof(size_t));
	for (size_t i = 0; i < cpio->count; i++)
		cpio->by_path[i] = i;
	qsort_r(cpio->by_path, cpio->count, sizeof(size_t), by_path, cpio);
	return cpio;
}

const struct delta_cpio_entry *delta_cpio_find(const struct delta_cpio *cpio, const char *path)
{
	size_t low = 0, high = cpio->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct delta_cpio_entry *entry = &cpio->entries[cpio->by_path[mid]];
		int order = strcmp(entry->path, path);
		if (order == 0)
			return entry;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}
