/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <json-c/json.h>

#include "common/instance-words.h"

#define BAD_14                                                                            \
	"\"bad_versions\":[{\"version\":\"1.2.0\",\"marked_at\":\"T0\",\"reason\":\"old\"},"  \
	"{\"version\":\"1.4.0\",\"marked_at\":\"T\",\"reason\":\"http:80/: refused\"}]"

static void test_words(void **state)
{
	static const struct {
		const char *json, *words;
	} cases[] = {
		{ "{}", NULL },
		{ "[]", NULL },
		{ "{\"name\":\"a\"}", NULL },
		{ "{\"name\":\"a\",\"running_version\":null}", NULL },
		{ "{\"name\":\"a\",\"running_version\":\"1\",\"installed\":\"1\"}", NULL },
		{ "{\"name\":\"a\",\"running_version\":\"1\",\"installed\":\"2\"}",
		  "a 2 is installed, 1 runs" },
		{ "{\"name\":\"a\",\"running_version\":\"1.3.0\",\"installed\":\"1.4.0\"," BAD_14 "}",
		  "a 1.4.0 is installed, 1.3.0 runs: 1.4.0 was rolled back at T: http:80/: refused" },
		{ "{\"name\":\"a\",\"running_version\":\"1.3.0\"," BAD_14 "}",
		  "a 1.3.0 runs: 1.4.0 was rolled back at T: http:80/: refused" },
		{ "{\"name\":\"a\",\"running_version\":\"1.5.0\"," BAD_14 "}", NULL },
		{ "{\"name\":\"a\",\"running_version\":\"1.3.0\",\"installed\":\"1.3.0\"," BAD_14 "}",
		  NULL },
		{ "{\"name\":\"a\",\"running_version\":\"1\",\"health\":\"unhealthy\","
		  "\"health_reason\":\"agent: silent\"}", "a 1 is not healthy: agent: silent" },
		{ "{\"name\":\"a\",\"running_version\":\"1\",\"health\":\"healthy\"}", NULL },
		{ "{\"name\":\"a\",\"running_version\":\"1\",\"installed\":\"2\",\"bad_versions\":7,"
		  "\"health\":\"unhealthy\"}",
		  "a 2 is installed, 1 runs; a 1 is not healthy: no reason is known" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_object *json = json_tokener_parse(cases[i].json);
		assert_non_null(json);
		_cleanup_free_ char *words = instance_words(json);
		if (cases[i].words)
			assert_string_equal(words, cases[i].words);
		else
			assert_null(words);
		json_object_put(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_words) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
