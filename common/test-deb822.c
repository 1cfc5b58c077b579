/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/deb822.h"

static const char sample[] = "# a comment\n"
			     "Name: askom\n"
			     "Description: one line\n"
			     " more\n"
			     " .\n"
			     "  indented\n"
			     "\n"
			     "name:  second \n"
			     "Empty:\n";

static struct deb822 *parse(const char *text, size_t len, struct err *err)
{
	struct deb822 *doc = NULL;
	if (deb822_parse(text, len, 4, "sample", &doc, err) < 0)
		assert_null(doc);
	return doc;
}

static void test_reads(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(deb822_freep) struct deb822 *doc = parse(sample, strlen(sample), &err);
	assert_non_null(doc);
	assert_int_equal(doc->count, 2);
	assert_string_equal(deb822_get(&doc->stanzas[0], "NAME"), "askom");
	assert_string_equal(deb822_get(&doc->stanzas[0], "Description"),
			    "one line\nmore\n\n indented");
	assert_string_equal(deb822_get(&doc->stanzas[1], "Name"), "second");
	assert_string_equal(deb822_get(&doc->stanzas[1], "Empty"), "");
	assert_null(deb822_get(&doc->stanzas[1], "Description"));
	const char *value = NULL;
	assert_fails(deb822_require(&doc->stanzas[1], "Empty", "sample", &value, &err), ERR_INPUT,
		     "'Empty' is missing");
	static const char *const known[] = { "Name", "Description", NULL };
	assert_ok(deb822_check_known(&doc->stanzas[0], known, "sample", &err));
	assert_fails(deb822_check_known(&doc->stanzas[1], known, "sample", &err), ERR_INPUT,
		     "line 9: unknown field 'Empty'");
}

static void test_refuses(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		enum err_code code;
		const char *message;
	} bad[] = {
		{ "Name: a\nname: b\n", 0, ERR_INPUT, "line 2: field 'name' stands twice" },
		{ " continued\n", 0, ERR_INPUT, "line 1: a continuation" },
		{ "\n continued\n", 0, ERR_INPUT, "line 2: a continuation" },
		{ "Name a\n", 0, ERR_INPUT, "neither" },
		{ ": a\n", 0, ERR_INPUT, "neither" },
		{ "-Name: a\n", 0, ERR_INPUT, "neither" },
		{ "Na me: a\n", 0, ERR_INPUT, "neither" },
		{ "Name: a", 0, ERR_INPUT, "middle of a line" },
		{ "Name: a\0b\n", 10, ERR_INPUT, "NUL" },
		{ "A: 1\n\nB: 1\n\nC: 1\n\nD: 1\n\nE: 1\n", 0, ERR_TOO_LARGE, "more than 4" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		size_t len = bad[i].len ? bad[i].len : strlen(bad[i].text);
		assert_null(parse(bad[i].text, len, &err));
		assert_int_equal(err.code, bad[i].code);
		if (!strstr(err.msg, bad[i].message))
			fail_msg("'%s' lacks '%s'", err.msg, bad[i].message);
		err_clear(&err);
	}
}

static void test_round_trip(void **state)
{
	struct err err = ERR_INIT;
	static const char *const values[] = { "plain", "two\nlines", "a\n\nb", "\nstarts below\nand on",
					      "" };
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
		deb822_write(&out, "Field", values[i]);
		_cleanup_(deb822_freep) struct deb822 *doc = parse(out.data, out.len, &err);
		assert_non_null(doc);
		assert_string_equal(deb822_get(&doc->stanzas[0], "Field"), values[i]);
	}
}

/* What a hostile text of some megabytes has most of must not cost its square. */
static void test_large(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&text, "F%d:\n", i);
	for (int i = 0; i < 300000; i++)
		strbuf_adds(&text, " ab\n");
	_cleanup_(deb822_freep) struct deb822 *doc = parse(text.data, text.len, &err);
	assert_non_null(doc);
	assert_int_equal(doc->stanzas[0].count, 1000);
	const char *value = deb822_get(&doc->stanzas[0], "F999");
	assert_int_equal(strlen(value), 900000);
	assert_true(str_starts(value, "\nab\nab") && str_ends(value, "\nab"));
	strbuf_adds(&text, "F1000:\n");
	assert_null(parse(text.data, text.len, &err));
	assert_int_equal(err.code, ERR_TOO_LARGE);
	assert_non_null(strstr(err.msg, "more than 1000 fields"));
	err_clear(&err);
}

/* Every truncation and every flipped bit either parses or fails cleanly; the
 * sanitizers watch what a plain run cannot see. */
static void test_mutations(void **state)
{
	size_t len = strlen(sample);
	size_t parsed = 0, refused = 0;
	for (size_t bit = 0; bit < len * 8 + len; bit++) {
		_cleanup_free_ char *copy = xstrdup(sample);
		size_t copy_len = bit < len * 8 ? len : bit - len * 8;
		if (bit < len * 8)
			copy[bit / 8] ^= (char)(1 << (bit % 8));
		_cleanup_err_ struct err err = ERR_INIT;
		_cleanup_(deb822_freep) struct deb822 *doc = parse(copy, copy_len, &err);
		assert_int_equal(doc == NULL, err.code != ERR_NONE);
		if (doc)
			parsed++;
		else
			refused++;
	}
	assert_true(parsed > 0 && refused > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
