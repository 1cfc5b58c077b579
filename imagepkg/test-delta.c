/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The maker of deltas: names, windows, known blocks, initrd entries. */
#include "common/test-lib.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "imagepkg/delta-cpio.h"
#include "imagepkg/delta-index.h"
#include "imagepkg/delta-tree.h"
#include "imagepkg/delta-window.h"

static struct err err = ERR_INIT;

static void test_key(void **state)
{
	static const struct { const char *path, *key; } cases[] = {
		{ "usr/bin/x", "usr/bin/x" },
		{ "lib/modules/6.1.0-48-amd64/x.ko", "lib/modules/#-amd#/x.ko" },
		{ "usr/lib/libssl.so.3", "usr/lib/libssl.so.#" },
		{ "usr/lib/libz-1.2~3+4.so", "usr/lib/libz-#.so" },
		{ "", "" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *key = delta_tree_key(cases[i].path);
		assert_string_equal(key, cases[i].key);
	}
}

static void test_slice(void **state)
{
	struct delta_range items[] = { { 100, 10 }, { 200, 10 }, { 300, 10 } };
	const struct delta_ranges all = { items, 3, 30 };
	struct delta_ranges out = { NULL, 0, 0 };
	delta_ranges_slice(&all, 5, 22, &out);
	assert_int_equal(out.count, 3);
	assert_int_equal(out.items[0].offset, 105);
	assert_int_equal(out.items[1].bytes, 10);
	assert_int_equal(out.items[2].bytes, 2);
	assert_int_equal(out.bytes, 17);
	delta_ranges_slice(&all, 30, 100, &out);
	assert_int_equal(out.bytes, 17);
	delta_ranges_destroy(&out);
}

/* Windows are filled up to their limit, old ranges sorted and merged, each window begins at a
 * block, and every pair has a prefix. */
static void test_windows(void **state)
{
	_cleanup_(delta_plan_freep) struct delta_plan *plan = xcalloc(1, sizeof(*plan));
	struct delta_filler filler = { .plan = plan, .next = 1 << 20 };
	struct delta_range new_item = { 512, DELTA_WINDOW_NEW / 2 + 1 };
	struct delta_range old_items[] = { { 81920, 4096 }, { 0, 8192 }, { 4096, 4096 } };
	const struct delta_ranges new = { &new_item, 1, new_item.bytes };
	const struct delta_ranges old = { old_items, 3, 16384 }, none = { NULL, 0, 0 };
	assert_int_equal(delta_filler_add(&filler, &new, &old), 1 << 20);
	assert_int_equal(delta_filler_add(&filler, &new, &none) % DELTA_BLOCK, 0);
	delta_filler_finish(&filler);
	assert_int_equal(plan->count, 2);
	assert_int_equal(plan->windows[0].old.count, 2);
	assert_int_equal(plan->windows[0].old.items[0].bytes, 8192);
	assert_int_equal(plan->windows[1].start, (1 << 20) + delta_padded(new_item.bytes));
	assert_int_equal(plan->windows[1].old.count, 1);
	assert_int_equal(plan->new_bytes, 2 * new_item.bytes);
}

static void test_index(void **state)
{
	_cleanup_close_ int fd = memfd_create("old", MFD_CLOEXEC);
	_cleanup_(delta_index_freep) struct delta_index *index = NULL;
	struct delta_basis basis = { .count = 0 };
	char block[DELTA_BLOCK];
	for (int i = 0; i < 100; i++) {
		memset(block, 'a' + i % 26, sizeof(block));
		memcpy(block + 100, &i, sizeof(i));
		assert_ok(write_all(fd, block, sizeof(block), &err));
	}
	delta_basis_add(&basis, fd, 0, 100 * DELTA_BLOCK);
	assert_ok(delta_index_new(&basis, &index, &err));
	assert_true(delta_index_has(index, block));
	block[4095] ^= 1;
	assert_false(delta_index_has(index, block));
	delta_index_add(index, block);
	assert_true(delta_index_has(index, block));
	memset(block, 0, sizeof(block));
	assert_true(delta_index_has(index, block));
}

static void add_entry(struct strbuf *out, const char *name, const char *data)
{
	strbuf_addf(out, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1, 0100644, 0, 0,
		    1, 0, strlen(data), 0, 0, 0, 0, strlen(name) + 1, 0);
	strbuf_add(out, name, strlen(name) + 1);
	while (out->len % 4)
		strbuf_addc(out, '\0');
	strbuf_adds(out, data);
	while (out->len % 4)
		strbuf_addc(out, '\0');
}

static void test_cpio(void **state)
{
	_cleanup_strbuf_ struct strbuf in = STRBUF_INIT;
	strbuf_adds(&in, "before..");
	add_entry(&in, "kernel/x", "microcode");
	add_entry(&in, "TRAILER!!!", "");
	strbuf_add(&in, "\0\0\0\0\0\0\0\0", 8);
	add_entry(&in, "usr/lib/b", "content of b");
	add_entry(&in, "usr/lib/a", "a");
	add_entry(&in, "TRAILER!!!", "");
	_cleanup_close_ int fd = memfd_create("initrd", MFD_CLOEXEC);
	assert_ok(write_all(fd, in.data, in.len, &err));
	_cleanup_(delta_cpio_freep) struct delta_cpio *cpio = delta_cpio_read(fd, 8, in.len - 8);
	assert_int_equal(cpio->count, 5);
	const struct delta_cpio_entry *entry = delta_cpio_find(cpio, "usr/lib/b");
	assert_non_null(entry);
	assert_memory_equal(in.data + 8 + entry->data, "content of b", entry->bytes);
	assert_memory_equal(in.data + 8 + entry->start, "070701", 6);
	assert_null(delta_cpio_find(cpio, "usr/lib/c"));
	/* Cut anywhere, it has fewer entries, none of which reaches beyond the end. */
	for (size_t len = 0; len < in.len - 8; len++) {
		_cleanup_(delta_cpio_freep) struct delta_cpio *part = delta_cpio_read(fd, 8, len);
		for (size_t i = 0; i < part->count; i++)
			assert_true(part->entries[i].data + part->entries[i].bytes <= len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),   cmocka_unit_test(test_slice),
		cmocka_unit_test(test_windows), cmocka_unit_test(test_index),
		cmocka_unit_test(test_cpio),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
