/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <errno.h>
#include <stdlib.h>

#include "appliance/disk-cache.h"

/* More than the cache holds, and no whole number of its lines. */
enum { DISK_BYTES = 6 * 1024 * 1024 + 1000, STEPS = 20000, MAX_LEN = 3000 };

struct disk {
	char *data;
	unsigned requests;
	int failure; /* what writes answer */
};

static int disk_read(void *arg, uint64_t offset, void *data, size_t len)
{
	struct disk *disk = arg;
	assert_true(offset + len <= DISK_BYTES);
	memcpy(data, disk->data + offset, len);
	disk->requests++;
	return 0;
}

static int disk_write(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct disk *disk = arg;
	assert_true(offset + len <= DISK_BYTES);
	disk->requests++;
	if (disk->failure)
		return disk->failure;
	memcpy(disk->data + offset, data, len);
	return 0;
}

static struct disk_cache *cache_of(struct disk *disk)
{
	disk->data = xcalloc(1, DISK_BYTES);
	return disk_cache_new(&(struct disk_device){ disk_read, disk_write, disk, DISK_BYTES });
}

static void is_a_disk(void **state)
{
	struct disk disk = { 0 };
	_cleanup_(disk_cache_freep) struct disk_cache *cache = cache_of(&disk);
	_cleanup_free_ char *model = xcalloc(1, DISK_BYTES);
	char data[MAX_LEN];
	srandom(1);
	for (int step = 0; step < STEPS; step++) {
		size_t len = (size_t)random() % MAX_LEN + 1;
		uint64_t at = (uint64_t)random() % (DISK_BYTES - len + 1);
		if (random() % 2) {
			memset(data, (int)random(), len);
			memcpy(model + at, data, len);
			assert_int_equal(disk_cache_write(cache, at, data, len), 0);
		} else {
			assert_int_equal(disk_cache_read(cache, at, data, len), 0);
			assert_memory_equal(data, model + at, len);
		}
	}
	assert_int_equal(disk_cache_flush(cache), 0);
	assert_memory_equal(disk.data, model, DISK_BYTES);
	free(disk.data);
}

static void makes_few_requests(void **state)
{
	struct disk disk = { 0 };
	_cleanup_(disk_cache_freep) struct disk_cache *cache = cache_of(&disk);
	char block[1000] = { 1 };
	for (uint64_t at = 0; at + sizeof(block) <= DISK_BYTES; at += sizeof(block))
		assert_int_equal(disk_cache_write(cache, at, block, sizeof(block)), 0);
	assert_int_equal(disk_cache_flush(cache), 0);
	assert_true(disk.requests <= 2 * (DISK_BYTES / 65536 + 1));
	unsigned before = disk.requests;
	assert_int_equal(disk_cache_flush(cache), 0);
	assert_int_equal(disk.requests, before);
	free(disk.data);
}

static void says_what_the_device_said(void **state)
{
	struct disk disk = { .failure = ENOSPC };
	_cleanup_(disk_cache_freep) struct disk_cache *cache = cache_of(&disk);
	assert_int_equal(disk_cache_write(cache, DISK_BYTES - 1, "x", 1), 0);
	assert_int_equal(disk_cache_flush(cache), ENOSPC);
	disk.failure = 0;
	assert_int_equal(disk_cache_flush(cache), 0);
	assert_int_equal(disk.data[DISK_BYTES - 1], 'x');
	assert_int_equal(disk_cache_write(cache, DISK_BYTES - 1, "xy", 2), EINVAL);
	assert_int_equal(disk_cache_write(cache, UINT64_MAX, "x", 1), EINVAL);
	free(disk.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_a_disk),
		cmocka_unit_test(makes_few_requests),
		cmocka_unit_test(says_what_the_device_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
