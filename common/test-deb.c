/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/deb.h"
#include "common/hash.h"
#include "common/subproc.h"

static char *dir;
static struct err err = ERR_INIT;

#define CONTROL                                                                        \
	"Package: probe\nVersion: 1:1.0-1\nArchitecture: all\n"                        \
	"Maintainer: A <a@waybill.test>\nDescription: a probe\n with more\n"

static void write_file(const char *name, const void *data, size_t len)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	assert_ok(atomic_file_write(path, data, len, 0644, &err));
}

static int run(const char *const *argv)
{
	struct subproc spec = { .argv = argv, .chdir = dir, .quiet = true };
	struct strbuf out = STRBUF_INIT;
	spec.output = &out;
	int rc = subproc_run(&spec, NULL, &err);
	strbuf_destroy(&out);
	return rc;
}

/* dpkg-deb is the peer: what it makes is what we must read. */
static void build(const char *compression, const char *name)
{
	_cleanup_free_ char *option = xasprintf("-Z%s", compression);
	const char *argv[] = { "dpkg-deb", "--root-owner-group", option, "--uniform-compression",
			       "--build", "tree", name, NULL };
	assert_ok(run(argv));
}

static int setup(void **state)
{
	dir = test_tmpdir();
	_cleanup_free_ char *control_dir = xasprintf("%s/tree/DEBIAN", dir);
	_cleanup_free_ char *data_dir = xasprintf("%s/tree/usr/share/probe", dir);
	_cleanup_free_ char *big = xmalloc(3000000);
	for (size_t i = 0; i < 3000000; i++)
		big[i] = (char)(i * i >> 7);
	assert_ok(make_dirs(control_dir, 0755, &err));
	assert_ok(make_dirs(data_dir, 0755, &err));
	write_file("tree/DEBIAN/control", CONTROL, strlen(CONTROL));
	write_file("tree/DEBIAN/md5sums", "d41d8cd98f00b204e9800998ecf8427e  x\n", 36);
	write_file("tree/usr/share/probe/text", "hello\n", 6);
	write_file("tree/usr/share/probe/big", big, 3000000);
	build("xz", "xz.deb");
	return 0;
}

static int teardown(void **state)
{
	assert_ok(remove_tree(dir, &err));
	free(dir);
	return 0;
}

static int open_deb(const char *name, struct deb **deb)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	return deb_open(path, deb, &err);
}

static void test_every_compression(void **state)
{
	static const char *const compressions[] = { "xz", "gzip", "zstd", "none" };
	char first[65] = "";
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++) {
		_cleanup_(deb_freep) struct deb *deb = NULL;
		_cleanup_free_ char *name = xasprintf("c-%s.deb", compressions[i]);
		char digest[65];
		uint64_t size = 0;
		build(compressions[i], name);
		assert_ok(open_deb(name, &deb));
		assert_string_equal(deb_field(deb, "package"), "probe");
		assert_string_equal(deb_field(deb, "Version"), "1:1.0-1");
		assert_null(deb_field(deb, "Image-Format"));
		assert_string_equal(deb->control_text, CONTROL);
		assert_ok(deb_data_digest(deb, digest, &size, &err));
		assert_int_equal(size % 512, 0);
		assert_true(size > 3000000);
		if (i > 0)	/* one tree is one tar, however it is compressed */
			assert_string_equal(digest, first);
		memcpy(first, digest, sizeof(first));
	}
}

static void test_control_file(void **state)
{
	_cleanup_(deb_freep) struct deb *deb = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	assert_ok(open_deb("xz.deb", &deb));
	assert_ok(deb_control_file(deb, "md5sums", 100, &text, &len, &err));
	assert_int_equal(len, 36);
	freep(&text);
	assert_fails(deb_control_file(deb, "md5sums", 35, &text, &len, &err), ERR_TOO_LARGE,
		     "at most 35");
	assert_fails(deb_control_file(deb, "postinst", 100, &text, &len, &err), ERR_NOT_FOUND,
		     "no file 'postinst'");
}

static void test_extract(void **state)
{
	_cleanup_(deb_freep) struct deb *deb = NULL;
	_cleanup_free_ char *path = xasprintf("%s/big", dir);
	_cleanup_free_ char *original = xasprintf("%s/tree/usr/share/probe/big", dir);
	char got[65], want[65];
	assert_ok(open_deb("xz.deb", &deb));
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_ok(deb_data_extract(deb, "usr/share/probe/big", fd, &err));
	assert_ok(sha256_file(path, got, NULL, &err));
	assert_ok(sha256_file(original, want, NULL, &err));
	assert_string_equal(got, want);
	assert_fails(deb_data_extract(deb, "usr/share/probe", fd, &err), ERR_NOT_FOUND,
		     "no file 'usr/share/probe'");
}

static void test_not_a_deb(void **state)
{
	struct deb *deb = NULL;
	static const struct { const char *text, *message; } cases[] = {
		{ "", "only 0 bytes" },
		{ "#!/bin/sh\n", "only 10 bytes" },
		{ "This is a long text file which certainly is no Debian package at all.\n",
		  "no ar archive" },
		{ "!<arch>\n//                                              12        `\n"
		  "abcdefghijkl", "does not begin with debian-binary" },
		{ "!<arch>\ndebian-binary   0           0     0     100644  4         `\n"
		  "3.0\n", "not 2.x" },
		{ "!<arch>\ndebian-binary   0           0     0     100644  4         `\n"
		  "2.0\n", "no control.tar" },
		{ "!<arch>\ndebian-binary   0           0     0     100644  -4        `\n"
		  "2.0\n", "broken ar header" },
		{ "!<arch>\ndebian-binary   0           0     0     100644  9999999999`\n"
		  "2.0\n", "reaches beyond the end" },
		{ "!<arch>\ndebian-binary   0           0     0     100644  4         `\n"
		  "2.0\ndata.tar        0           0     0     100644  0         `\n",
		  "unexpected member 'data.tar'" },
		{ "!<arch>\ndebian-binary   0           0     0     100644  4         `\n"
		  "2.0\ncontrol.tar.7z  0           0     0     100644  0         `\n",
		  "not known" },
		{ "!<arch>\ndebian-binary   0           0     0     100644  4         `\n"
		  "2.0\nevil            0           0     0     100644  0         `\n",
		  "unexpected member 'evil'" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_file("bad.deb", cases[i].text, strlen(cases[i].text));
		assert_fails(open_deb("bad.deb", &deb), ERR_INPUT, cases[i].message);
		assert_null(deb);
	}
	assert_fails(open_deb("missing.deb", &deb), ERR_NOT_FOUND, "there is no file");
	assert_fails(open_deb("tree", &deb), ERR_INPUT, "no regular file");
}

/* All that a reader does with a package; 0 only if every step worked. */
static int read_all(const char *name)
{
	_cleanup_(deb_freep) struct deb *deb = NULL;
	char digest[65];
	uint64_t size = 0;
	if (open_deb(name, &deb) != 0)
		return -1;
	return deb_data_digest(deb, digest, &size, &err);
}

static void mutant_fails_politely(const char *data, size_t len)
{
	write_file("mutant.deb", data, len);
	if (read_all("mutant.deb") != 0) {
		assert_int_not_equal(err.code, ERR_NONE);
		assert_non_null(err.msg);
	}
	err_clear(&err);
}

static void test_truncation(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/xz.deb", dir);
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	assert_ok(file_read(path, 64 << 20, &data, &len, &err));
	for (size_t cut = 1; cut < len; cut += cut < 2000 ? 7 : len / 50) {
		write_file("mutant.deb", data, len - cut);
		assert_int_equal(read_all("mutant.deb"), -1);
		assert_int_equal(err.code, ERR_INPUT);
		err_clear(&err);
	}
}

static void test_bit_flips(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/xz.deb", dir);
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	assert_ok(file_read(path, 64 << 20, &data, &len, &err));
	/* Every bit of the three ar headers' neighbourhood, then samples. */
	for (size_t bit = 0; bit < len * 8; bit += bit < 4000 ? 3 : len * 8 / 199 | 1) {
		data[bit / 8] ^= (char)(1 << bit % 8);
		mutant_fails_politely(data, len);
		data[bit / 8] ^= (char)(1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_compression), cmocka_unit_test(test_control_file),
		cmocka_unit_test(test_extract),		  cmocka_unit_test(test_not_a_deb),
		cmocka_unit_test(test_truncation),	  cmocka_unit_test(test_bit_flips),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
