/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "pkgmgr/dpkg.h"

static const char text[] = "Package: b\nStatus: install ok installed\nVersion: 1\n\n"
			   "Package: gone\nStatus: deinstall ok config-files\n\n"
			   "Package: a\nStatus: hold ok installed\nConffiles:\n"
			   " /etc/x abc\nDescription: x\n Status: install ok unpacked\n\n";

static void test_installed(void **state)
{
	struct dpkg_status status;
	dpkg_status_parse(text, &status);
	assert_int_equal(status.installed.count, 2);
	assert_string_equal(status.installed.items[0], "a");
	assert_string_equal(status.installed.items[1], "b");
	assert_false(status.needs_repair);
	dpkg_status_destroy(&status);
}

static void test_half_done(void **state)
{
	static const char *const states[] = {
		"install ok unpacked", "install ok half-configured",
		"install reinstreq half-installed", "install ok triggers-awaited",
		"install ok triggers-pending", "install ok something-new",
	};
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		_cleanup_free_ char *one = xasprintf("Package: x\nStatus: %s\n\n", states[i]);
		struct dpkg_status status;
		dpkg_status_parse(one, &status);
		assert_true(status.needs_repair);
		assert_int_equal(status.installed.count, 1);
		dpkg_status_destroy(&status);
	}
}

static void test_odd(void **state)
{
	static const char *const odd[] = { "", "\n", "Status: install ok installed\n",
					   "Package: x", "Package: x\nStatus: ",
					   "Package: x\nStatus:  \n", "Package: \nStatus: a b c" };
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		struct dpkg_status status;
		dpkg_status_parse(odd[i], &status);
		dpkg_status_destroy(&status);
	}
}

static void test_bit_flips_and_cuts(void **state)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < len * 9; i++) {
		_cleanup_free_ char *mutant = xstrndup(text, i % 9 == 8 ? i / 9 : len);
		if (i % 9 < 8)
			mutant[i / 9] = (char)(mutant[i / 9] ^ (1 << (i % 9)));
		struct dpkg_status status;
		dpkg_status_parse(mutant, &status);
		assert_true(status.installed.count <= 3);
		dpkg_status_destroy(&status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_installed),
		cmocka_unit_test(test_half_done),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_bit_flips_and_cuts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
