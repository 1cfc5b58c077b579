/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report's size: the gate refuses what is larger, and evidence is what can shrink. */
#include "common/test-lib.h"

#include <json-c/json.h>

#include "common/strbuf.h"
#include "pkgmgr/report.h"

/* `count` instances with a bad version each, whose evidence is `detail`. */
static struct json_object *make(size_t count, const char *detail)
{
	struct json_object *report = json_object_new_object(), *list = json_object_new_array();
	for (size_t i = 0; i < count; i++) {
		struct json_object *one = json_object_new_object();
		struct json_object *bad = json_object_new_object();
		struct json_object *array = json_object_new_array();
		json_object_object_add(bad, "reason", json_object_new_string("why"));
		json_object_object_add(bad, "detail", json_object_new_string(detail));
		json_object_array_add(array, bad);
		json_object_object_add(one, "bad_versions", array);
		json_object_array_add(list, one);
	}
	json_object_object_add(report, "instances", list);
	return report;
}

static const char *detail_of(struct json_object *report)
{
	struct json_object *one =
		json_object_array_get_idx(json_object_object_get(report, "instances"), 0);
	struct json_object *bad =
		json_object_array_get_idx(json_object_object_get(one, "bad_versions"), 0);
	assert_string_equal(json_object_get_string(json_object_object_get(bad, "reason")), "why");
	return json_object_get_string(json_object_object_get(bad, "detail"));
}

static size_t size_of(struct json_object *report)
{
	return strlen(json_object_to_json_string_ext(report, JSON_C_TO_STRING_PLAIN));
}

static void test_fits(void **state)
{
	struct json_object *report = make(3, "short");
	report_fit(report, 60 * 1024);
	assert_string_equal(detail_of(report), "short");
	json_object_put(report);
}

static void test_shortened(void **state)
{
	_cleanup_strbuf_ struct strbuf detail = STRBUF_INIT;
	strbuf_adds(&detail, "HEAD ");
	while (detail.len < 8000)
		strbuf_adds(&detail, "\xc3\xa6\xe2\x82\xac");	/* of two and three bytes */
	strbuf_adds(&detail, " TAIL");
	for (size_t count = 8; count <= 128; count *= 4) {
		struct json_object *report = make(count, detail.data);
		assert_true(size_of(report) > 60 * 1024);
		report_fit(report, 60 * 1024);
		assert_true(size_of(report) <= 60 * 1024);
		const char *left = detail_of(report);
		assert_true(str_starts(left, "HEAD "));
		assert_true(str_ends(left, " TAIL"));
		assert_non_null(strstr(left, "\n[...]\n"));
		struct json_tokener *strict = json_tokener_new();
		json_tokener_set_flags(strict, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		const char *text = json_object_to_json_string_ext(report, JSON_C_TO_STRING_PLAIN);
		struct json_object *again =
			json_tokener_parse_ex(strict, text, (int)strlen(text));
		assert_non_null(again);
		json_object_put(again);
		json_tokener_free(strict);
		json_object_put(report);
	}
}

/* Also instances that are of an odd shape. */
static void test_odd(void **state)
{
	struct json_object *report = json_tokener_parse(
		"{\"instances\":[{},7,{\"bad_versions\":7},{\"bad_versions\":[7,{\"detail\":7}]}]}");
	report_fit(report, 10);
	json_object_put(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_shortened),
		cmocka_unit_test(test_odd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
