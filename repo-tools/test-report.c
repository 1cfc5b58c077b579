/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/report.h"

#include "common/test-mutate.h"

#define GOOD                                                                             \
	"{ \"format\": \"waybill-report 1\", \"site\": \"kbh1\", \"serial\": 42,"         \
	" \"epoch\": 1, \"time\": \"2026-11-20T23:40:51Z\", \"result\": \"done\","        \
	" \"exit_code\": 0, \"reason\": null, \"packages\": [ { \"name\": \"askom\","     \
	" \"wanted\": \"1.4.0\" } ] }\n"

static int parse(const char *text, struct report **report, struct err *err)
{
	return report_parse(text, strlen(text), "kbh1", report, err);
}

static void test_good(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(report_freep) struct report *report = NULL;
	assert_ok(parse(GOOD, &report, &err));
	assert_string_equal(report->result, "done");
	assert_string_equal(report->time, "2026-11-20T23:40:51Z");
	assert_null(report->reason);
	assert_int_equal(report->serial, 42);
}

/* The gate checks format and site only; what else is missing or of another type is
 * shown as unknown. */
static void test_sparse(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(report_freep) struct report *report = NULL;
	assert_ok(parse("{\"format\":\"waybill-report 1\",\"site\":\"kbh1\",\"time\":7}", &report,
			&err));
	assert_string_equal(report->time, "?");
	assert_string_equal(report->result, "?");
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "no JSON" },
		{ "null", "no JSON" },
		{ "[]", "format" },
		{ "{}", "format" },
		{ "{\"format\":1}", "format" },
		{ "{\"format\":\"waybill-report 1\"}", "not of site" },
		{ "{\"format\":\"waybill-report 1\",\"site\":\"kbh2\"}", "not of site" },
		{ "{\"format\":\"waybill-report 2\",\"site\":\"kbh1\"}", "format" },
		{ GOOD GOOD, "no JSON" },
		{ GOOD "x", "no JSON" },
		{ "{\"format\":\"waybill-report 1\",", "cut short" },
		{ "{\"format\":\"\xff\"}", "no JSON" },
		{ "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "no JSON" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct report *report = NULL;
		assert_fails(parse(bad[i].text, &report, &err), ERR_INPUT, bad[i].message);
		assert_null(report);
	}
}

static void test_size_and_nul(void **state)
{
	struct err err = ERR_INIT;
	struct report *report = NULL;
	char *text = xmalloc(REPORT_MAX_BYTES + 1);
	memset(text, ' ', REPORT_MAX_BYTES + 1);
	assert_fails(report_parse(text, REPORT_MAX_BYTES + 1, "kbh1", &report, &err),
		     ERR_TOO_LARGE, "larger");
	text[0] = '\0';
	assert_fails(report_parse(text, 10, "kbh1", &report, &err), ERR_INPUT, "NUL");
	free(text);
}

static void check_any(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	_cleanup_(report_freep) struct report *report = NULL;
	if (report_parse(text, len, "kbh1", &report, &err) < 0)
		assert_int_equal(err.code, ERR_INPUT);
	else
		assert_true(report->time && report->result);
	err_clear(&err);
}

static void test_mutations(void **state)
{
	mutate(GOOD, check_any);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	     cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_bad),	     cmocka_unit_test(test_size_and_nul),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
