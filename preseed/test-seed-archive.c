/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "preseed/seed-archive.h"

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	assert_ok(atomic_file_write(path, text, strlen(text), mode, &err));
}

static void get(const struct strbuf *gz, const char *path, const char *want)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *data = NULL;
	size_t len;
	assert_ok(seed_archive_get(gz->data, gz->len, path, &data, &len, &err));
	assert_string_equal(data, want);
}

static void test_order_does_not_matter(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf one = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf two = STRBUF_INIT;
	_cleanup_(seed_archive_freep) struct seed_archive *a = seed_archive_new();
	_cleanup_(seed_archive_freep) struct seed_archive *b = seed_archive_new();
	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	seed_archive_add(a, "preseed.cfg", "x\n", 2, 0600);
	seed_archive_add(a, "waybill/late", "y\n", 2, 0644);
	seed_archive_add(b, "waybill/late", "other\n", 6, 0600);
	seed_archive_add(b, "waybill/late", "y\n", 2, 0644);
	seed_archive_add(b, "preseed.cfg", "x\n", 2, 0600);
	assert_ok(seed_archive_write(a, &one, &err));
	assert_ok(seed_archive_write(b, &two, &err));
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
	get(&one, "preseed.cfg", "x\n");
	get(&one, "waybill/late", "y\n");
	_cleanup_free_ char *data = NULL;
	size_t len;
	assert_fails(seed_archive_get(one.data, one.len, "passwd", &data, &len, &err),
		     ERR_NOT_FOUND, "passwd");
	assert_fails(seed_archive_get("junk", 4, "passwd", &data, &len, &err), ERR_INPUT, "seed");
	assert_fails(seed_archive_get(one.data, 20, "waybill/late", &data, &len, &err),
		     ERR_INPUT, "");
}

static void test_a_tree(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *dir = test_tmpdir();
	_cleanup_free_ char *modules = xasprintf("%s/usr/lib/modules", dir);
	_cleanup_free_ char *link = xasprintf("%s/usr/link", dir);
	_cleanup_free_ char *slashed = xasprintf("%s//", dir);
	_cleanup_(seed_archive_freep) struct seed_archive *seed = seed_archive_new();
	_cleanup_strbuf_ struct strbuf gz = STRBUF_INIT;
	assert_ok(make_dirs(modules, 0755, &err));
	put(modules, "a.ko", "module", 0600);
	assert_int_equal(symlink("lib", link), 0);
	assert_ok(seed_archive_add_tree(seed, slashed, &err));
	assert_ok(seed_archive_write(seed, &gz, &err));
	get(&gz, "usr/lib/modules/a.ko", "module");

	_cleanup_free_ char *lib = xasprintf("%s/lib", dir);
	assert_ok(make_dirs(lib, 0755, &err));
	assert_fails(seed_archive_add_tree(seed, dir, &err), ERR_INPUT, "usr/lib");
	assert_int_equal(rmdir(lib), 0);
	_cleanup_free_ char *fifo = xasprintf("%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_fails(seed_archive_add_tree(seed, dir, &err), ERR_INPUT, "fifo");
	assert_fails(seed_archive_add_tree(seed, fifo, &err), ERR_INPUT, "no directory");
	assert_ok(remove_tree(dir, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_a_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
