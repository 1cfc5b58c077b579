/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/phase.h"

#include "common/test-lib.h"

static void test_stable(void **state)
{
	/* printf 'waybill-phase golden askom 3' | sha256sum: the operator's way to the same. */
	assert_int_equal(phase_place("golden", "askom", "3"), 73);
	assert_int_equal(phase_place("golden", "askom", "2"), 1);
	assert_int_equal(phase_place("kbh1", "askom", "3"), 91);
}

/* Of a thousand sites about as many are in as the percentage says. */
static void test_spread(void **state)
{
	static const unsigned percentages[] = { 1, 10, 50, 90 };
	for (size_t i = 0; i < ARRAY_SIZE(percentages); i++) {
		unsigned in = 0;
		for (unsigned n = 0; n < 1000; n++) {
			char *site = xasprintf("site-%u", n);
			in += phase_place(site, "askom", "1.4.0") < percentages[i];
			free(site);
		}
		assert_in_range(in, percentages[i] * 10 * 7 / 10 - 3, percentages[i] * 10 * 13 / 10 + 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stable),
		cmocka_unit_test(test_spread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
