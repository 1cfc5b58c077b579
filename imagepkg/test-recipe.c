/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "imagepkg/recipe.h"
#include "common/host-sources.h"

static struct err err = ERR_INIT;

#define HEAD "Name: askom\nVersion: 1.4.0\nMaintainer: A <a@waybill.test>\nDescription: x\n"
#define GOOD HEAD "Suite: bookworm\nBoot: kernel\nDisk: 64M\n"

static int parse(const char *text, struct recipe **out)
{
	return recipe_parse(text, strlen(text), "/r", "recipe", out, &err);
}

static void test_full(void **state)
{
	_cleanup_(recipe_freep) struct recipe *r = NULL;
	assert_ok(parse(GOOD "Packages: nginx-light\n libc6=2.36-9\nScript: setup\n"
			"Files:\n a/b /etc/b\n /abs /etc/c 4755\nTree: /srv/t\nKernel: small\n"
			"Memory: 128M\nPorts: 8080:80\n", &r));
	assert_string_equal(r->conf->appliance, "askom");
	assert_string_equal(r->conf->architecture, "amd64");
	assert_int_equal(r->conf->disk_bytes, 64 << 20);
	assert_int_equal(r->conf->memory_bytes, 128 << 20);
	assert_int_equal(r->conf->port_count, 1);
	assert_int_equal(r->packages.count, 2);
	assert_string_equal(r->packages.items[1], "libc6=2.36-9");
	assert_string_equal(r->script, "/r/setup");
	assert_int_equal(r->file_count, 2);
	assert_string_equal(r->files[0].source, "/r/a/b");
	assert_int_equal(r->files[0].mode, 0644);
	assert_string_equal(r->files[1].source, "/abs");
	assert_int_equal(r->files[1].mode, 04755);
	assert_string_equal(r->tree, "srv/t");
	assert_int_equal(r->kernel, KERNEL_SMALL);
	assert_null(r->mirror);
}

static void test_refused(void **state)
{
	static const struct { const char *text, *message; } cases[] = {
		{ "", "holds no stanza" },
		{ GOOD "\nName: two\n", "" },
		{ "Name: askom\n", "Version" },
		{ GOOD "Disc: 1G\n", "Disc" },
		{ "Name: ../evil\nVersion: 1\nMaintainer: A <a>\nDescription: x\n", "Name" },
		{ "Name: askom\nVersion: 1 2\nMaintainer: A <a>\nDescription: x\n", "Version" },
		{ "Name: askom\nVersion: 1\nMaintainer: nobody\nDescription: x\n", "Maintainer" },
		{ HEAD "Suite: book/worm\nDisk: 64M\n", "Suite" },
		{ HEAD "Suite: --help\nBoot: kernel\nDisk: 64\n", "Disk" },
		{ GOOD "Packages: a;reboot\n", "Packages" },
		{ GOOD "Packages: -oDebug\n", "Packages" },
		{ GOOD "Packages: a,b\n", "Packages" },
		{ GOOD "Packages: ?essential\n", "Packages" },
		{ GOOD "Mirror: http://x/ [trusted=yes]\n", "Mirror" },
		{ GOOD "Mirror: file\n", "Mirror" },
		{ GOOD "Files:\n only-one\n", "SOURCE DESTINATION" },
		{ GOOD "Files:\n a /etc/../../b\n", "absolute path" },
		{ GOOD "Files:\n a etc/b\n", "absolute path" },
		{ GOOD "Files:\n a /etc/b 9\n", "octal" },
		{ GOOD "Files:\n a /etc/b 777777\n", "octal" },
		{ GOOD "Tree: /srv/../etc\n", "Tree" },
		{ GOOD "Kernel: tiny\n", "as-is, plain or small" },
		{ HEAD "Suite: bookworm\nDisk: 64M\n", "no boot loader" },
		{ HEAD "Suite: bookworm\nBoot: kernel\nDisk: 1M\n", "Disk" },
		{ HEAD "Suite: bookworm\nBoot: kernel\nDisk: 1000000001\n", "Disk" },
		{ HEAD "Suite: bookworm\nBoot: host-kernel\nKernel: plain\nDisk: 64M\n",
		  "needs Boot: kernel" },
		{ GOOD "Memory: lots\n", "Memory" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct recipe *r = NULL;
		assert_true(parse(cases[i].text, &r) < 0);
		assert_null(r);
		if (!strstr(err.msg, cases[i].message))
			fail_msg("case %zu: '%s' lacks '%s'", i, err.msg, cases[i].message);
		err_clear(&err);
	}
}

/* Any single changed bit gives a recipe or an error, never a crash. */
static void test_bit_flips(void **state)
{
	const char *good = GOOD "Packages: a b\nFiles:\n a /etc/b 644\nTree: /srv/t\n";
	size_t len = strlen(good);
	for (size_t bit = 0; bit < len * 8; bit++) {
		_cleanup_(recipe_freep) struct recipe *r = NULL;
		_cleanup_free_ char *text = xstrdup(good);
		text[bit / 8] ^= (char)(1 << bit % 8);
		assert_true((recipe_parse(text, len, "/r", "recipe", &r, &err) == 0) == (r != NULL));
		err_clear(&err);
	}
}

static void test_sources(void **state)
{
	static const char listing[] =
		"bookworm\thttp://m.test/debian/\tmain\tDebian\n"
		"bookworm\thttp://m.test/debian/\tcontrib\tDebian\n"
		"bookworm\thttp://other.test/x/\tmain\tOther\n"
		"bookworm-updates\thttp://m.test/debian/\tmain\tDebian\n"
		"bookworm-backports\thttp://m.test/debian/\tmain\tDebian\n"
		"bookworm-security\thttp://m.test/sec/\tmain\tDebian\n";
	struct strv lines = STRV_INIT;
	assert_ok(sources_from_listing(listing, "trixie", &lines, &err));
	assert_int_equal(lines.count, 3);
	assert_string_equal(lines.items[0], "deb http://m.test/debian/ trixie main");
	assert_string_equal(lines.items[1], "deb http://m.test/debian/ trixie-updates main");
	assert_string_equal(lines.items[2], "deb http://m.test/sec/ trixie-security main");
	strv_destroy(&lines);
	assert_ok(sources_from_listing(listing, "sid", &lines, &err));
	assert_int_equal(lines.count, 1);
	strv_destroy(&lines);
	assert_fails(sources_from_listing("x\ty\tmain\tOther\n", "sid", &lines, &err),
		     ERR_NOT_FOUND, "Mirror:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_sources),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
