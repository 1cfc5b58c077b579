/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File systems that we write and clean, judged by e2fsck and debugfs. */
#include "common/test-lib.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/hash.h"
#include "common/subproc.h"
#include "imagepkg/ext4-clean.h"
#include "common/ext4-writer.h"

static struct err err = ERR_INIT;
static char *dir;
static const struct ext4_attr plain = { .uid = 0, .gid = 0, .mode = 0644, .mtime = 1000 };
static const struct ext4_attr dir_attr = { .uid = 0, .gid = 0, .mode = 0755, .mtime = 1000 };

static int setup(void **state)
{
	dir = test_tmpdir();
	return 0;
}

static int teardown(void **state)
{
	assert_ok(remove_tree(dir, &err));
	free(dir);
	return 0;
}

static char *image(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	if (unlink(path) != 0 && file_exists(path))
		fail_msg("%s", path);
	return path;
}

static void assert_fsck_clean(const char *path)
{
	const char *argv[] = { "e2fsck", "-fn", path, NULL };
	struct strbuf out = STRBUF_INIT;
	struct subproc spec = { .argv = argv, .output = &out, .quiet = true };
	if (subproc_run(&spec, NULL, &err) != 0)
		fail_msg("%s\n%s", err.msg, out.data);
	strbuf_destroy(&out);
}

/* What debugfs prints for a command; free it. */
static char *debugfs(const char *path, const char *command)
{
	const char *argv[] = { "debugfs", "-R", command, path, NULL };
	struct strbuf out = STRBUF_INIT;
	struct subproc spec = { .argv = argv, .output = &out, .quiet = true };
	assert_ok(subproc_run(&spec, NULL, &err));
	return strbuf_steal(&out);
}

static void assert_shows(const char *path, const char *command, const char *text)
{
	_cleanup_free_ char *out = debugfs(path, command);
	if (!strstr(out, text))
		fail_msg("%s: '%s' lacks '%s'", command, out, text);
}

static void add_file(struct ext4_writer *w, const char *path, const void *data, size_t len)
{
	assert_ok(ext4_writer_begin_file(w, path, &plain, &err));
	assert_ok(ext4_writer_file_data(w, data, len, &err));
	assert_ok(ext4_writer_end_file(w, &err));
}

/* A bit of everything: deep, large, sparse, many, linked, special. */
static void fill(struct ext4_writer *w)
{
	const struct ext4_attr odd = { .uid = 70000, .gid = 80000, .mode = 04711, .mtime = 5000 };
	_cleanup_free_ char *big = xcalloc(1, 3 << 20);
	memset(big, 'x', 1 << 20);
	memset(big + (2 << 20), 'y', (1 << 20) - 5);
	assert_ok(ext4_writer_add_dir(w, "", &dir_attr, &err));
	assert_ok(ext4_writer_add_dir(w, "etc", &dir_attr, &err));
	assert_ok(ext4_writer_add_dir(w, "many", &dir_attr, &err));
	for (int i = 0; i < 700; i++) {
		_cleanup_free_ char *name = xasprintf("many/a-file-with-a-rather-long-name-%d", i);
		add_file(w, name, name, strlen(name));
	}
	add_file(w, "etc/empty", NULL, 0);
	add_file(w, "etc/big", big, (3 << 20) - 5);
	assert_ok(ext4_writer_begin_file(w, "etc/odd", &odd, &err));
	assert_ok(ext4_writer_file_data(w, "content\n", 8, &err));
	assert_ok(ext4_writer_end_file(w, &err));
	assert_ok(ext4_writer_add_xattr(w, "user.note", "hi", 2, &err));
	assert_ok(ext4_writer_add_link(w, "etc/again", "etc/odd", &err));
	assert_ok(ext4_writer_add_symlink(w, "etc/short", "big", &plain, &err));
	_cleanup_free_ char *target = xmalloc(301);
	memset(target, 't', 300);
	target[300] = '\0';
	assert_ok(ext4_writer_add_symlink(w, "etc/long", target, &plain, &err));
	assert_ok(ext4_writer_add_node(w, "etc/null", S_IFCHR, 1, 3, &plain, &err));
	assert_ok(ext4_writer_add_node(w, "etc/pipe", S_IFIFO, 0, 0, &plain, &err));
}

static void make(const char *path)
{
	_cleanup_(ext4_writer_freep) struct ext4_writer *w = NULL;
	assert_ok(ext4_writer_new(path, 64 << 20, "test 1", 2000, &w, &err));
	fill(w);
	assert_ok(ext4_writer_finish(w, &err));
}

static void test_content(void **state)
{
	_cleanup_free_ char *path = image("content");
	make(path);
	assert_fsck_clean(path);
	assert_shows(path, "cat /etc/odd", "content\n");
	assert_shows(path, "cat /etc/again", "content\n");
	assert_shows(path, "stat /etc/odd", "Links: 2");
	assert_shows(path, "stat /etc/odd", "User: 70000   Group: 80000");
	assert_shows(path, "stat /etc/odd", "Mode:  04711");
	/* 5000 was asked for, the epoch is 2000. */
	assert_shows(path, "stat /etc/odd", "mtime: 0x000007d0");
	assert_shows(path, "stat /etc/empty", "mtime: 0x000003e8");
	assert_shows(path, "stat /etc/big", "Size: 3145723");
	assert_shows(path, "stat /etc/big", "Blockcount: 4096");	/* the hole is one */
	assert_shows(path, "stat /etc/short", "Fast link dest: \"big\"");
	assert_shows(path, "stat /etc/null", "Device major/minor number: 01:03");
	assert_shows(path, "ea_list /etc/odd", "user.note (2)");
	assert_shows(path, "cat /many/a-file-with-a-rather-long-name-699", "name-699");
}

static void test_reproducible(void **state)
{
	_cleanup_free_ char *one = image("one");
	_cleanup_free_ char *two = image("two");
	char a[SHA256_HEX_LEN + 1], b[SHA256_HEX_LEN + 1];
	make(one);
	make(two);
	assert_ok(sha256_file(one, a, NULL, &err));
	assert_ok(sha256_file(two, b, NULL, &err));
	assert_string_equal(a, b);
}

static void test_writer_refuses(void **state)
{
	_cleanup_free_ char *path = image("refuses");
	_cleanup_(ext4_writer_freep) struct ext4_writer *w = NULL;
	_cleanup_free_ char *chunk = xmalloc(1 << 20);
	memset(chunk, 'z', 1 << 20);
	assert_ok(ext4_writer_new(path, 16 << 20, "x", 1, &w, &err));
	assert_fails(ext4_writer_begin_file(w, "no/where", &plain, &err), ERR_INPUT, "/no");
	assert_fails(ext4_writer_add_dir(w, "..", &dir_attr, &err), ERR_INPUT, "cannot be");
	add_file(w, "there", "x", 1);
	assert_fails(ext4_writer_begin_file(w, "there", &plain, &err), ERR_INPUT, "/there");
	assert_fails(ext4_writer_add_link(w, "x", "missing", &err), ERR_INPUT, "/missing");
	assert_ok(ext4_writer_begin_file(w, "huge", &plain, &err));
	int rc = 0;
	for (int i = 0; i < 32 && rc == 0; i++)
		rc = ext4_writer_file_data(w, chunk, 1 << 20, &err);
	assert_fails(rc, ERR_NO_SPACE, "make Disk larger");
}

static void test_clean(void **state)
{
	_cleanup_free_ char *path = image("clean");
	_cleanup_(ext4_writer_freep) struct ext4_writer *w = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	static const char *const dirs[] = { "tmp", "tmp/a", "tmp/a/b", "var", "var/log", "etc" };
	assert_ok(ext4_writer_new(path, 16 << 20, "x", 2000, &w, &err));
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		assert_ok(ext4_writer_add_dir(w, dirs[i], &dir_attr, &err));
	add_file(w, "tmp/a/b/c", "VOLATILE", 8);
	add_file(w, "var/log/syslog", "VOLATILE", 8);
	add_file(w, "etc/machine-id", "VOLATILE", 8);
	add_file(w, "etc/kept", "LASTING", 7);
	assert_ok(ext4_writer_add_symlink(w, "tmp/link", "a", &plain, &err));
	assert_ok(ext4_writer_finish(w, &err));
	assert_true(ext4_clean_is_ext(path));
	assert_ok(ext4_clean_run(path, &err));
	assert_fsck_clean(path);
	assert_shows(path, "stat /etc/machine-id", "Size: 0");
	assert_shows(path, "stat /var/log/syslog", "Size: 0");
	assert_shows(path, "cat /etc/kept", "LASTING");
	assert_shows(path, "stat /tmp", "Links: 2");
	assert_ok(file_read(path, 32 << 20, &text, &len, &err));
	assert_null(memmem(text, len, "VOLATILE", 8));
	assert_non_null(memmem(text, len, "LASTING", 7));
}

static void test_clean_refuses(void **state)
{
	_cleanup_free_ char *path = image("torn");
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	make(path);
	assert_ok(file_read(path, 128 << 20, &text, &len, &err));
	text[1024 + 58] = 0;	/* s_state: not unmounted cleanly */
	assert_ok(atomic_file_write(path, text, len, 0644, &err));
	assert_fails(ext4_clean_run(path, &err), ERR_INPUT, "e2fsck");
	memset(text, 0, 4096);
	assert_ok(atomic_file_write(path, text, len, 0644, &err));
	assert_false(ext4_clean_is_ext(path));
}

/* Damaged metadata gives an error or a result, never a crash or an endless loop. */
static void test_clean_mutants(void **state)
{
	_cleanup_free_ char *path = image("mutant");
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	make(path);
	assert_ok(file_read(path, 128 << 20, &text, &len, &err));
	for (size_t i = 0; i < 60; i++) {
		size_t at = i < 30 ? 1024 + i * 33 : 4096 + i * 7919 % (256 << 10);
		char old = text[at];
		text[at] = (char)(old ^ 0x5a);
		assert_ok(atomic_file_write(path, text, len, 0644, &err));
		if (ext4_clean_run(path, &err) != 0)
			assert_non_null(err.msg);
		err_clear(&err);
		text[at] = old;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_content),	       cmocka_unit_test(test_reproducible),
		cmocka_unit_test(test_writer_refuses), cmocka_unit_test(test_clean),
		cmocka_unit_test(test_clean_refuses),  cmocka_unit_test(test_clean_mutants),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
