/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/boot-verdict.h"

#define HASH "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define OTHER "0000d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define HEAD                                                                           \
	"Format: waybill-boot-test 1\nPackage: askom\nVersion: 1.4.0\nArchitecture: amd64\n"
#define FACTS                                                                          \
	"SHA256: " HASH "\nDate: 2026-11-21T04:10:12Z\nQemu: 7.2.22\nAccelerator: tcg\n" \
	"Boot: kernel\nWatch: 10s\n"

static char *dir, *deb;

static int set_up(void **state)
{
	dir = test_tmpdir();
	deb = xasprintf("%s/askom_1.4.0_amd64.deb", dir);
	return 0;
}

static int tear_down(void **state)
{
	struct err err = ERR_INIT;
	assert_ok(remove_tree(dir, &err));
	free(dir);
	free(deb);
	return 0;
}

static struct boot_verdict *make(bool passed)
{
	struct boot_verdict *v = xcalloc(1, sizeof(*v));
	v->package = xstrdup("askom");
	v->version = xstrdup("1.4.0");
	v->architecture = xstrdup("amd64");
	strcpy(v->sha256, HASH);
	v->tested_at = 1795234212;
	v->passed = passed;
	v->reason = passed ? NULL : xstrdup("http:80/: connection refused");
	v->qemu = xstrdup("7.2.22");
	v->accelerator = xstrdup("tcg");
	v->boot = xstrdup("disk uefi");
	v->watch_seconds = 10;
	strv_add(&v->checks, "http:80/ passed after 14.2 s: HTTP 200");
	strv_add(&v->checks, "agent failed: no guest agent runs (yet)");
	return v;
}

static void test_round_trip(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(boot_verdict_freep) struct boot_verdict *wrote = make(false), *read = NULL;
	_cleanup_free_ char *path = boot_verdict_path(deb), *text = NULL;
	size_t len = 0;
	assert_true(str_ends(path, "/askom_1.4.0_amd64.tested"));
	assert_ok(boot_verdict_write(wrote, deb, &err));
	assert_ok(file_read(path, BOOT_VERDICT_MAX_BYTES, &text, &len, &err));
	assert_ok(boot_verdict_parse(text, len, path, &read, &err));
	assert_string_equal(read->package, "askom");
	assert_string_equal(read->boot, "disk uefi");
	assert_string_equal(read->sha256, HASH);
	assert_int_equal(read->tested_at, wrote->tested_at);
	assert_int_equal(read->watch_seconds, 10);
	assert_false(read->passed);
	assert_string_equal(read->reason, "http:80/: connection refused");
	assert_int_equal(read->checks.count, 2);
	assert_string_equal(read->checks.items[1], "agent failed: no guest agent runs (yet)");
}

static void test_require(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(boot_verdict_freep) struct boot_verdict *good = make(true), *bad = make(false);
	_cleanup_free_ char *path = boot_verdict_path(deb);
	assert_fails(boot_verdict_require(deb, HASH, &err), ERR_REFUSED, "boot-test");
	assert_ok(boot_verdict_write(bad, deb, &err));
	assert_fails(boot_verdict_require(deb, HASH, &err), ERR_REFUSED, "connection refused");
	assert_ok(boot_verdict_write(good, deb, &err));
	assert_ok(boot_verdict_require(deb, HASH, &err));
	assert_fails(boot_verdict_require(deb, OTHER, &err), ERR_REFUSED, "other bytes");
	assert_ok(atomic_file_write(path, "x", 1, 0644, &err));
	assert_fails(boot_verdict_require(deb, HASH, &err), ERR_REFUSED, "cannot be read");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_fails(boot_verdict_require(deb, HASH, &err), ERR_REFUSED, "cannot be read");
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "empty" },
		{ "Package: askom\n", "Format" },
		{ "Format: waybill-boot-test 2\n", "Format" },
		{ HEAD FACTS, "Result" },
		{ HEAD FACTS "Result: maybe\n", "neither" },
		{ HEAD FACTS "Result: failed\n", "Reason" },
		{ HEAD "Result: passed\n", "Qemu" },
		{ HEAD FACTS "Result: passed\nColour: red\n", "Colour" },
		{ HEAD "SHA256: abc\nDate: x\nQemu: 7\nAccelerator: tcg\nBoot: kernel\nWatch: 1s\n"
		  "Result: passed\n", "64 hexadecimal" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct boot_verdict *v = NULL;
		assert_fails(boot_verdict_parse(bad[i].text, strlen(bad[i].text), "a.tested", &v,
						&err),
			     ERR_INPUT, bad[i].message);
		assert_null(v);
	}
}

/* No cut of it passes: Result stands in the last line here. */
static void test_cut(void **state)
{
	static const char text[] = HEAD FACTS "Result: passed\n";
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		struct err err = ERR_INIT;
		struct boot_verdict *v = NULL;
		_cleanup_free_ char *copy = xstrndup(text, len);
		assert_true(boot_verdict_parse(copy, len, "a.tested", &v, &err) < 0);
		err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_require, set_up, tear_down),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
