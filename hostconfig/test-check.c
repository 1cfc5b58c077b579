/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "hostconfig/check.h"

static void expect(uint64_t size_gib, uint64_t free_mib, enum result result, const char *text)
{
	struct findings f = { .check = "disk" };
	disk_judge(&f, size_gib << 30, free_mib << 20);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.items[0].result, result);
	if (!strstr(f.items[0].text, text))
		fail_msg("'%s' lacks '%s'", f.items[0].text, text);
	assert_int_equal(f.items[0].advice != NULL, result != RESULT_OK);
	assert_int_equal(findings_problem(&f, "disk"), result == RESULT_PROBLEM);
	assert_false(findings_problem(&f, "clock"));
	findings_destroy(&f);
}

static void test_disk(void **state)
{
	expect(9, 9000, RESULT_PROBLEM, "too small");
	expect(10, 10000, RESULT_OK, "free");
	expect(100, 1023, RESULT_PROBLEM, "is full");
	expect(100, 1024, RESULT_OK, "free");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
