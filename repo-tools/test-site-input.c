/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Editing the operator's files, and parameter files, as text. */
#include "repo-tools/site-input.h"

#include "repo-tools/site-param.h"
#include "common/test-mutate.h"

static void fill(struct site_input *input, const char *must, const char *may, const char *maynot)
{
	memset(input, 0, sizeof(*input));
	strbuf_adds(&input->text[LIST_MUSTHAVE], must);
	strbuf_adds(&input->text[LIST_MAYHAVE], may);
	strbuf_adds(&input->text[LIST_MAYNOTHAVE], maynot);
}

static void assert_texts(const struct site_input *input, const char *must, const char *may,
			 const char *maynot)
{
	assert_string_equal(input->text[LIST_MUSTHAVE].data, must);
	assert_string_equal(input->text[LIST_MAYHAVE].data, may);
	assert_string_equal(input->text[LIST_MAYNOTHAVE].data, maynot);
}

static void test_put_keeps_the_rest(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_site_input_ struct site_input input;
	fill(&input, "# ours\naskom\n\ntiny\n", "", "");
	assert_ok(site_input_put(&input, LIST_MUSTHAVE, "askom (= 1.4.0)", &err));
	assert_texts(&input, "# ours\naskom (= 1.4.0)\n\ntiny\n", "", "");
	assert_true(input.changed[LIST_MUSTHAVE]);
	assert_false(input.changed[LIST_MAYHAVE]);
}

static void test_put_moves(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_site_input_ struct site_input input;
	fill(&input, "askom (= 1.4.0)\n", "askom\ndebug-*\n", "telnetd\n");
	assert_ok(site_input_put(&input, LIST_MAYNOTHAVE, "askom", &err));
	assert_texts(&input, "", "debug-*\n", "telnetd\naskom\n");
}

static void test_put_after_a_cut_line(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_site_input_ struct site_input input;
	fill(&input, "tiny", "", "");
	assert_ok(site_input_put(&input, LIST_MUSTHAVE, "askom", &err));
	assert_texts(&input, "tiny\naskom\n", "", "");
}

static void test_put_the_same(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_site_input_ struct site_input input;
	fill(&input, "askom(=1.4.0)\ntiny", "debug-*\n", "");
	assert_ok(site_input_put(&input, LIST_MUSTHAVE, "askom (= 1.4.0)", &err));
	assert_ok(site_input_put(&input, LIST_MUSTHAVE, "tiny", &err));
	assert_ok(site_input_put(&input, LIST_MAYHAVE, "debug-*", &err));
	assert_texts(&input, "askom(=1.4.0)\ntiny", "debug-*\n", "");
	for (int kind = 0; kind < LIST_KINDS; kind++)
		assert_false(input.changed[kind]);
	_cleanup_site_input_ struct site_input twice;
	fill(&twice, "askom\ntiny\naskom\n", "", "");
	assert_ok(site_input_put(&twice, LIST_MUSTHAVE, "askom", &err));
	assert_texts(&twice, "askom\ntiny\n", "", "");
	assert_true(twice.changed[LIST_MUSTHAVE]);
}

static void test_put_pattern(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_site_input_ struct site_input input;
	fill(&input, "debug-x\n", "debug-*\n", "");
	assert_ok(site_input_put(&input, LIST_MAYNOTHAVE, "debug-*", &err));
	assert_texts(&input, "debug-x\n", "", "debug-*\n");
	assert_ok(site_input_put(&input, LIST_MAYHAVE, "/lib(a|b)/", &err));
	assert_texts(&input, "debug-x\n", "/lib(a|b)/\n", "debug-*\n");
}

static void test_bad_words(void **state)
{
	static const char *const bad[] = { "", "# x", "Askom", "a b", "askom\ntelnetd", "a;b",
					   "askom (= )", "debtags:x", "../x" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		_cleanup_site_input_ struct site_input input;
		fill(&input, "askom\n", "", "");
		if (site_input_put(&input, LIST_MUSTHAVE, bad[i], &err) == 0 &&
		    !str_eq(bad[i], "a b")) /* pkgsync drops blanks: it is "ab" */
			fail_msg("taken: '%s'", bad[i]);
		err_clear(&err);
	}
}

static void test_drop(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_site_input_ struct site_input input;
	fill(&input, "askom (= 1.4.0)\ntiny\n", "", "");
	assert_ok(site_input_drop(&input, "askom", &err));
	assert_texts(&input, "tiny\n", "", "");
	assert_fails(site_input_drop(&input, "askom", &err), ERR_NOT_FOUND, "none");
}

static void assert_param(const char *before, const char *assignment, const char *after)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	strbuf_adds(&out, "");
	assert_ok(site_param_edit(before, strlen(before), assignment, "params", &out, &err));
	assert_string_equal(out.data, after);
}

static void test_params(void **state)
{
	assert_param("", "GREETING=hello  there", "GREETING: hello  there\n");
	assert_param("GREETING: x\nPorts: 8081:80\n", "GREETING=y", "GREETING: y\nPorts: 8081:80\n");
	assert_param("A: x\nB: y\n", "A=x", "A: x\nB: y\n");
	assert_param("GREETING: x\nPorts: 8081:80\n", "GREETING=", "Ports: 8081:80\n");
	assert_param("# note\n", "Memory=1G", "Memory: 1G\n");
}

static void test_bad_params(void **state)
{
	static const char *const bad[] = { "", "GREETING", "=x", "greeting=x", "A B=x", "A=x\ny",
					   "A=x\r", "Disk=4G", "A-B=x", "1A=x" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
		assert_fails(site_param_edit("", 0, bad[i], "params", &out, &err), ERR_USAGE, "");
	}
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	assert_fails(site_param_edit("evil: x\n", 8, "A=b", "params", &out, &err), ERR_INPUT,
		     "evil");
}

/* A file that is not sound is edited around or refused, never read beyond its end. */
static void check_any(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	_cleanup_site_input_ struct site_input input = { 0 };
	if (memchr(text, 0, len))
		return; /* site_input_load() reads text; site_list refuses a NUL */
	fill(&input, text, "", text);
	assert_ok(site_input_put(&input, LIST_MUSTHAVE, "askom", &err));
	assert_non_null(strstr(input.text[LIST_MUSTHAVE].data, "askom"));
}

static void test_mutations(void **state)
{
	mutate("# x\naskom (= 1.4.0)\ndebug-*\n/a|b/\n", check_any);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_keeps_the_rest),
		cmocka_unit_test(test_put_moves),
		cmocka_unit_test(test_put_after_a_cut_line),
		cmocka_unit_test(test_put_the_same),
		cmocka_unit_test(test_put_pattern),
		cmocka_unit_test(test_bad_words),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_bad_params),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
