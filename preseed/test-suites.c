/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "preseed/suites.h"

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define FRAME(text) "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" text            \
		    "\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n"
#define LINE(size, path) " " SHA " " size " " path "\n"
#define HEAD "Suite: stable\nAcquire-By-Hash: yes\nValid-Until: Fri, 27 Nov 2026 00:12:42 UTC\nSHA256:\n"
#define MAIN LINE("10", "main/binary-amd64/Packages.xz")
#define ALL MAIN LINE("11", "main/debian-installer/binary-amd64/Packages.xz") \
	LINE("12", "main/binary-amd64/Release")

static int read_suites(const char *inrelease, struct suites *suites, struct err *err)
{
	static const char *const places[SUITES] = { "debian", "debian", "debian-security" };
	static const char *const names[SUITES] = { "x", "x-updates", "x-security" };
	for (size_t i = 0; i < SUITES; i++) {
		struct suite *suite = &suites->suite[i];
		suite->name = xstrdup(names[i]);
		suite->uri = xstrdup("http://m/");
		suite->place = places[i];
		suite->inrelease = xstrdup(inrelease);
		suite->inrelease_len = strlen(inrelease);
		if (suite_take_release(suite, err) < 0)
			return -1;
	}
	return 0;
}

static void test_indexes(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(suites_destroy) struct suites suites = { 0 };
	_cleanup_(remote_files_destroy) struct remote_files files = { 0 };
	assert_ok(read_suites(FRAME(HEAD ALL "- -x: y\n"), &suites, &err));
	assert_true(str_ends(suites.suite[0].release.data, "Release\n-x: y\n\n"));
	suites_destroy(&suites);
	assert_ok(read_suites(FRAME(HEAD ALL), &suites, &err));
	assert_ok(suites_add_indexes(&suites, &files, &err));
	assert_int_equal(files.count, 5);
	assert_string_equal(files.items[0].name, "debian/dists/x/main/binary-amd64/Packages.xz");
	assert_string_equal(files.items[0].uri,
			    "http://m/dists/x/main/binary-amd64/by-hash/SHA256/" SHA);
	_cleanup_free_ char *until = suites_fresh_until(&suites);
	assert_string_equal(until, "Fri, 27 Nov 2026 00:12:42 UTC");
}

static void test_refused(void **state)
{
	static const struct { const char *inrelease, *why; } bad[] = {
		{ "", "no signed text" },
		{ HEAD ALL, "no signed text" },
		{ FRAME(""), "empty" },
		{ FRAME("\n# a comment\n"), "empty" },
		{ FRAME(HEAD MAIN), "lists no main/debian-installer" },
		{ FRAME("A: b\n\nC: d\n"), "more than 1" },
		{ FRAME(HEAD LINE("-1", "main/binary-amd64/Packages.xz")), "no number" },
		{ FRAME("SHA256:\n x 10 main/binary-amd64/Packages.xz\n"), "no SHA-256" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		_cleanup_(suites_destroy) struct suites suites = { 0 };
		_cleanup_(remote_files_destroy) struct remote_files files = { 0 };
		if (read_suites(bad[i].inrelease, &suites, &err) == 0 &&
		    suites_add_indexes(&suites, &files, &err) == 0)
			fail_msg("case %zu was taken", i);
		if (!strstr(err.msg, bad[i].why))
			fail_msg("case %zu: '%s' does not say '%s'", i, err.msg, bad[i].why);
		err_clear(&err);
		free(suites_fresh_until(&suites));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_indexes),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
