/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/strbuf.h"
#include "common/strv.h"

static void test_version_order(void **state)
{
	/* Ascending; each pair also says that dpkg's order is antisymmetric. */
	static const char *const ordered[] = {
		"0~~", "0~", "0", "0.9", "1.0~rc1", "1.0", "1.0-0.1", "1.0-1", "1.0-1+b1",
		"1.0a", "1.0+dfsg", "1.00001", "1.2", "1.10", "2", "10", "1:0.1", "1:1", "2:0",
	};
	for (size_t i = 0; i < ARRAY_SIZE(ordered); i++)
		for (size_t j = 0; j < ARRAY_SIZE(ordered); j++) {
			int got = version_compare(ordered[i], ordered[j]);
			int want = i < j ? -1 : i > j;
			if ((got > 0) - (got < 0) != want)
				fail_msg("%s <=> %s gives %d", ordered[i], ordered[j], got);
		}
	assert_int_equal(version_compare("1.0", "1.0-0"), 0);
	assert_int_equal(version_compare("0:1.0", "1.0"), 0);
	assert_int_equal(version_compare("1.01", "1.1"), 0);
}

static void test_sizes(void **state)
{
	struct err err = ERR_INIT;
	uint64_t n = 0;
	assert_ok(size_parse("512M", &n, "Memory", &err));
	assert_int_equal(n, 512ull << 20);
	assert_ok(size_parse("1024", &n, "Memory", &err));
	assert_int_equal(n, 1024);
	static const char *const bad[] = { "", "M", "-1", "1MB", "1.5G", " 1", "99999999999T",
					   "18446744073709551616" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_fails(size_parse(bad[i], &n, "Memory", &err), ERR_INPUT, "Memory");
	_cleanup_free_ char *text = size_format(1536);
	assert_string_equal(text, "1.5 KiB");
	_cleanup_free_ char *small = size_format(7);
	assert_string_equal(small, "7 B");
}

static void test_durations_and_times(void **state)
{
	struct err err = ERR_INIT;
	uint64_t s = 0;
	assert_ok(duration_parse("45m", &s, "Splay", &err));
	assert_int_equal(s, 2700);
	assert_ok(duration_parse("30d", &s, "Valid", &err));
	assert_int_equal(s, 30 * 86400);
	assert_fails(duration_parse("5w", &s, "Splay", &err), ERR_INPUT, "Splay");
	int64_t t = 0;
	assert_ok(time_parse("2026-11-20T23:40:51Z", &t, "Date", &err));
	_cleanup_free_ char *text = time_format(t);
	assert_string_equal(text, "2026-11-20T23:40:51Z");
	assert_fails(time_parse("2026-11-20 23:40:51", &t, "Date", &err), ERR_INPUT, "Date");
	assert_fails(time_parse("2026-13-20T23:40:51Z", &t, "Date", &err), ERR_INPUT, "Date");
}

static void test_numbers(void **state)
{
	struct err err = ERR_INIT;
	uint64_t n = 0;
	assert_ok(number_parse("65535", 1, 65535, &n, "port", &err));
	assert_int_equal(n, 65535);
	static const char *const bad[] = { "", "0", "65536", "80x", "+80", "-1", "0x50" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_fails(number_parse(bad[i], 1, 65535, &n, "port", &err), ERR_INPUT, "port");
}

static void test_names(void **state)
{
	assert_true(name_is_valid("askom"));
	assert_true(name_is_valid("g++-12"));
	static const char *const bad[] = { "", "a", "-ab", "A-b", "a/b", "../x", "a b", "ab\n",
					   "a<b", "\xc3\xa9t\xc3\xa9" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (name_is_valid(bad[i]))
			fail_msg("'%s' passed as a package name", bad[i]);
	assert_true(version_is_valid("1:1.4.0~rc1-2+b1"));
	assert_false(version_is_valid("1.4/.."));
	assert_false(version_is_valid("v1"));
	assert_true(site_name_is_valid("kbh1"));
	assert_false(site_name_is_valid("kbh.1"));
	assert_false(site_name_is_valid("-kbh"));
	assert_false(site_name_is_valid(""));
}

static void test_strbuf(void **state)
{
	_cleanup_strbuf_ struct strbuf buf = STRBUF_INIT;
	strbuf_add_xml(&buf, "a<b>&\"'\x01");
	assert_string_equal(buf.data, "a&lt;b&gt;&amp;&quot;&apos;?");
	strbuf_reset(&buf);
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&buf, "%d,", i % 10);
	assert_int_equal(buf.len, 2000);
	assert_int_equal(strlen(buf.data), 2000);
	strbuf_drop(&buf, 2);
	assert_memory_equal(buf.data, "1,2,", 4);
	assert_int_equal(strlen(buf.data), buf.len);
	_cleanup_free_ char *taken = strbuf_steal(&buf);
	assert_int_equal(strlen(taken), 1998);
	_cleanup_free_ char *empty = strbuf_steal(&buf);
	assert_string_equal(empty, "");
	strbuf_drop(&buf, 0);
	strbuf_adds(&buf, "gone");
	strbuf_drop(&buf, 4);
	assert_null(buf.data);
}

static void test_strv(void **state)
{
	_cleanup_strv_ struct strv v = STRV_INIT;
	strv_split(&v, "  c, a ,b,,", " ,");
	assert_int_equal(v.count, 3);
	strv_sort(&v);
	_cleanup_free_ char *joined = strv_join(&v, "+");
	assert_string_equal(joined, "a+b+c");
	assert_true(strv_contains(&v, "b"));
	assert_false(strv_contains(&v, "d"));
	for (int i = 0; i < 100; i++)
		strv_addf(&v, "%d", i);
	assert_int_equal(v.count, 103);
	assert_null(v.items[103]);
	assert_string_equal(v.items[102], "99");
}

static void test_err(void **state)
{
	struct err err = ERR_INIT;
	assert_int_equal(err_set(&err, ERR_SIGNATURE, "no signature"), -1);
	assert_int_equal(err_set(&err, ERR_INPUT, "a later one"), -1);
	err_prefix(&err, "site.list");
	assert_string_equal(err.msg, "site.list: no signature");
	assert_int_equal(err_exit_code(&err), EXIT_REFUSED);
	err_clear(&err);
	assert_int_equal(err_exit_code(&err), EXIT_DONE);
	for (int code = ERR_NONE; code <= ERR_CANCELLED; code++)
		assert_string_not_equal(err_code_name((enum err_code)code), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_order),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_durations_and_times),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_strbuf),
		cmocka_unit_test(test_strv),
		cmocka_unit_test(test_err),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
