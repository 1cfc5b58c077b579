/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "preseed/stick-packages.h"

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define STANZA(version, path) "Package: askom\nVersion: " version "\nFilename:" path "\nSHA256: " SHA "\n\n"

static int find(const char *text, const char **path, struct deb822 **doc, struct err *why)
{
	struct err err = ERR_INIT;
	const char *sha256;
	assert_ok(deb822_parse(text, strlen(text), 10, "Packages", doc, &err));
	return stick_packages_find(*doc, "askom", path, &sha256, why);
}

static void test_newest(void **state)
{
	struct err err = ERR_INIT;
	const char *path = NULL;
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	assert_ok(find(STANZA("1.9", " pool/a") STANZA("1.10", " pool/b") STANZA("1.10~rc1", " pool/c")
		       "Package: other\nVersion: 2\n", &path, &doc, &err));
	assert_string_equal(path, "pool/b");
}

static void test_refused(void **state)
{
	static const struct { const char *text; enum err_code code; const char *why; } bad[] = {
		{ "Package: other\nVersion: 1\n", ERR_NOT_FOUND, "no package askom" },
		{ "Package: askom\n", ERR_NOT_FOUND, "no package askom" },
		{ "Package: askom\nVersion: 1\nFilename: pool/a\n", ERR_INPUT, "no file for askom" },
		{ STANZA("1", " /etc/passwd"), ERR_INPUT, "no file for askom" },
		{ STANZA("1", " pool/../a"), ERR_INPUT, "no file for askom" },
		{ STANZA("1", " pool/a b"), ERR_INPUT, "no file for askom" },
		{ STANZA("1", " pool/a\n b"), ERR_INPUT, "no file for askom" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		const char *path = NULL;
		_cleanup_(deb822_freep) struct deb822 *doc = NULL;
		assert_fails(find(bad[i].text, &path, &doc, &err), bad[i].code, bad[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
