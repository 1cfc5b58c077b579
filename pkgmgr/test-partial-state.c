/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/partial-state.h"

#include "common/test-lib.h"

#define HASH "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
#define HEAD "Format: waybill-partial 1\nSHA256: " HASH "\nSize: 600000\nBlock: 262144\n"

static struct err err = ERR_INIT;

static const char full[] = HEAD "Sources:\n http://a/x.deb \"e 1\"\n http://b/x.deb -\nBlocks:\n"
			   " 0 262144 " HASH "\n 2 1000 " HASH "\n";

static void test_round_trip(void **state)
{
	struct partial_state s;
	struct strbuf text = STRBUF_INIT;
	uint64_t from, to;
	assert_ok(partial_state_parse(full, strlen(full), &s, &err));
	assert_int_equal(s.block_count, 3);
	assert_int_equal(partial_state_received(&s), 263144);
	assert_true(partial_state_gap(&s, &from, &to));
	assert_int_equal(from, 262144);
	assert_int_equal(to, 2 * 262144);
	assert_string_equal(partial_state_source(&s, "http://a/x.deb")->validator, "\"e 1\"");
	assert_null(partial_state_source(&s, "http://b/x.deb")->validator);
	partial_state_format(&s, &text);
	assert_string_equal(text.data, full);
	strbuf_destroy(&text);
	partial_state_destroy(&s);
}

static void test_new_ones(void **state)
{
	static const struct { uint64_t size; uint32_t block; size_t count; } cases[] = {
		{ 0, 262144, 0 }, { 1, 262144, 1 }, { 262144, 262144, 1 },
		{ 1ull << 30, 524288, 2048 }, { 10ull << 30, 4u << 20, 2560 },
	};
	uint64_t from, to;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct partial_state s;
		partial_state_init(&s, HASH, cases[i].size);
		assert_int_equal(s.block_bytes, cases[i].block);
		assert_int_equal(s.block_count, cases[i].count);
		assert_int_equal(partial_state_gap(&s, &from, &to), cases[i].size > 0);
		partial_state_destroy(&s);
	}
}

static void test_sources_are_bounded(void **state)
{
	struct partial_state s;
	partial_state_init(&s, HASH, 1);
	for (int i = 0; i < 20; i++) {
		char *uri = xasprintf("http://m%d/x", i);
		partial_state_note_source(&s, uri, "\"e\"");
		free(uri);
	}
	assert_int_equal(s.source_count, PARTIAL_MAX_SOURCES);
	assert_null(partial_state_source(&s, "http://m3/x"));
	partial_state_note_source(&s, "http://evil/\nBlocks:", "x");
	partial_state_note_source(&s, "http://m19/x", "a\nb");
	assert_int_equal(s.source_count, PARTIAL_MAX_SOURCES);
	assert_null(partial_state_source(&s, "http://m19/x")->validator);
	partial_state_destroy(&s);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"Format: waybill-partial 2\n",
		HEAD "Blocks:\n 0 262145 " HASH "\n",
		HEAD "Blocks:\n 2 80000 " HASH "\n",
		HEAD "Blocks:\n 3 1 " HASH "\n",
		HEAD "Blocks:\n 0 0 " HASH "\n",
		HEAD "Blocks:\n 1 5 " HASH "\n 0 5 " HASH "\n",
		HEAD "Blocks:\n 0 5 " HASH "\n 0 5 " HASH "\n",
		HEAD "Blocks:\n 0 5 abc\n",
		HEAD "Sources:\n http://a\n",
		HEAD "Sources:\n http://a x\n http://a y\n",
		HEAD "More: x\n",
		"Format: waybill-partial 1\nSHA256: " HASH "\nSize: 1\nBlock: 4097\n",
		"Format: waybill-partial 1\nSHA256: " HASH "\nSize: 60000000000000\nBlock: 4096\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct partial_state s;
		assert_true(partial_state_parse(bad[i], strlen(bad[i]), &s, &err) < 0);
		assert_non_null(err.msg);
		err_clear(&err);
	}
}

/* Whatever comes of it: no more than the file's bytes are said to be there. */
static void parse_any(const char *text, size_t len)
{
	struct partial_state s;
	if (partial_state_parse(text, len, &s, &err) == 0) {
		assert_true(partial_state_received(&s) <= s.size_bytes);
		partial_state_destroy(&s);
	}
	err_clear(&err);
}

static void test_mutations(void **state)
{
	size_t len = strlen(full);
	for (size_t bit = 0; bit < len * 8; bit++) {
		char *copy = xstrdup(full);
		copy[bit / 8] ^= (char)(1 << (bit % 8));
		parse_any(copy, len);
		free(copy);
	}
	for (size_t cut = 0; cut < len; cut++) {
		char *copy = xstrndup(full, cut);
		parse_any(copy, cut);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_new_ones),
		cmocka_unit_test(test_sources_are_bounded),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
