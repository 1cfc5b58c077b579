/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "preseed/template.h"

static struct values sample(void)
{
	struct values v = { 0 };
	values_set(&v, "site", "kbh1");
	values_set(&v, "address", NULL);
	values_set(&v, "disk", "a");
	values_set(&v, "disk", "/dev/sda");
	values_set(&v, "broken", "a\nd-i passwd/root-password password x");
	return v;
}

static void check(const char *text, const char *want)
{
	struct err err = ERR_INIT;
	_cleanup_(values_destroy) struct values v = sample();
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	assert_ok(template_expand(text, &v, "t", &out, &err));
	assert_string_equal(out.data ? out.data : "", want);
}

static void test_values(void **state)
{
	check("", "");
	check("host @site@, disk @disk@\n", "host kbh1, disk /dev/sda\n");
	check("no end", "no end\n");
	check("a@b anna@hq @ @@ @site\n", "a@b anna@hq @ @@ @site\n");
	check("[@address@]\n", "[]\n");
	check("\nd-i x string @address@\n", "\nd-i x string\n");
}

static void test_conditions(void **state)
{
	check("%% why\n%if site\na\n%end\nb\n", "a\nb\n");
	check("%if address\na @nothing@\n%end\nb\n", "b\n");
	check("%ifnot address\na\n%end\n", "a\n");
	check("%if address\n%if site\na\n%end\nb\n%end\nc\n", "c\n");
	check("%if site\n%if address\na\n%end\nb\n%end\nc\n", "b\nc\n");
}

static void refuse(const char *text, const char *message)
{
	struct err err = ERR_INIT;
	_cleanup_(values_destroy) struct values v = sample();
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	assert_fails(template_expand(text, &v, "t", &out, &err), ERR_INPUT, message);
}

static void test_mistakes(void **state)
{
	refuse("a\nb @nothing@\n", "line 2: there is no value named nothing");
	refuse("%if nothing\n%end\n", "nothing");
	refuse("%if site\n", "has no %end");
	refuse("%end\n", "without an %if");
	refuse("%unless site\n", "no line of a template");
	refuse("d-i x string @broken@\n", "control character");
	refuse("%if site\n%if site\n%if site\n%if site\n%if site\n%if site\n%if site\n%if site\n"
	       "%if site\n", "no line of a template");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_mistakes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
