/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/atomic-file.h"
#include "preseed/remote-files.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LINE(name, size, hash) "'http://m.example.org/pool/" name "' " name " " size " " hash "\n"

static void test_print_uris(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(remote_files_destroy) struct remote_files files = { 0 };
	assert_ok(remote_files_parse(&files, "Reading package lists...\n"
					     "The following NEW packages will be installed:\n  a b\n"
				     LINE("a_1%3a2_amd64.deb", "12", "SHA256:" HEX_A)
				     LINE("b_1_all.deb", "34", "SHA256:" HEX_B), &err));
	assert_int_equal(files.count, 2);
	assert_string_equal(files.items[0].uri, "http://m.example.org/pool/a_1%3a2_amd64.deb");
	assert_string_equal(files.items[0].name, "a_1%3a2_amd64.deb");
	assert_int_equal(files.items[1].size_bytes, 34);
	assert_string_equal(files.items[1].sha256, HEX_B);
	assert_ok(remote_files_parse(&files, LINE("b_1_all.deb", "34", "SHA256:" HEX_B), &err));
	assert_int_equal(files.count, 2);
}

static void test_bad_answers(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(remote_files_destroy) struct remote_files files = { 0 };
	assert_fails(remote_files_parse(&files, LINE("a.deb", "1", "MD5Sum:d41d8c"), &err),
		     ERR_PROGRAM, "no SHA-256");
	assert_fails(remote_files_parse(&files, LINE("a.deb", "1", "SHA256:short"), &err),
		     ERR_INPUT, "no SHA-256");
	assert_fails(remote_files_parse(&files, LINE("a.deb", "x", "SHA256:" HEX_A), &err),
		     ERR_INPUT, "size");
	assert_fails(remote_files_parse(&files, "'http://m.example.org/a.deb' a.deb\n", &err),
		     ERR_PROGRAM, "a.deb");
	static const char *const names[] = { "", "/etc/passwd", "../a", "a/../../b", ".." };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_fails(remote_files_add(&files, "http://m.example.org/a", names[i], 1, HEX_A,
					      &err),
			     ERR_INPUT, "no name for a file");
	assert_int_equal(files.count, 0);
	assert_ok(remote_files_add(&files, "http://m.example.org/a", "a", 1, HEX_A, &err));
	assert_fails(remote_files_add(&files, "http://m.example.org/other", "a", 1, HEX_B, &err),
		     ERR_INPUT, "two files");
}

static void test_place(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *dir = test_tmpdir();
	_cleanup_free_ char *cache = xasprintf("%s/cache", dir);
	_cleanup_free_ char *tree = xasprintf("%s/tree", dir);
	_cleanup_free_ char *pool = xasprintf("%s/pool", cache);
	_cleanup_free_ char *from = xasprintf("%s/a.deb", pool);
	_cleanup_free_ char *to = xasprintf("%s/pool/a.deb", tree);
	_cleanup_free_ char *text = NULL;
	_cleanup_(remote_files_destroy) struct remote_files files = { 0 };
	uint64_t total = 100;
	size_t len;
	assert_ok(make_dirs(pool, 0755, &err));
	assert_ok(atomic_file_write(from, "12345", 5, 0644, &err));
	assert_ok(remote_files_add(&files, "http://m.example.org/a", "pool/a.deb", 5, HEX_A, &err));
	assert_ok(remote_files_place(&files, cache, tree, &total, &err));
	assert_int_equal(total, 105);
	assert_ok(file_read(to, 10, &text, &len, &err));
	assert_string_equal(text, "12345");
	assert_ok(remove_tree(dir, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print_uris),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
