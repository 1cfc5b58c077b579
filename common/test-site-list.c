/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/site-list.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

#define HEADER                                                                            \
	"Format: waybill-site-list 1\nSite: kbh1\nEpoch: 1\nSerial: 42\n"                 \
	"Date: 2026-11-20T23:40:51Z\nValid-Until: 2026-12-20T23:40:51Z\n"

static const char full[] =
	HEADER "Repository-Not-Before: 2026-11-20T00:00:00Z\n"
	       "Sync-At: 03:15\nSplay: 30m\nScope: all\nMax-Removals: 5\n"
	       "Params:\n " SHA " 118 askom\n"
	       "\nList: musthave\nEntries:\n askom (= 1.4.0)\n tiny\n"
	       "\nList: mayhave\nEntries:\n debug-*\n"
	       "\nList: maynothave\nEntries:\n telnetd\n /lib(x|y)[0-9]+/\n";

static const char minimal[] = HEADER "\nList: musthave\n\nList: mayhave\n\nList: maynothave\n";

static struct site_list *parse_ok(const char *text)
{
	struct err err = ERR_INIT;
	struct site_list *list = NULL;
	if (site_list_parse(text, strlen(text), &list, &err) < 0)
		fail_msg("%s", err.msg);
	return list;
}

static void test_full(void **state)
{
	_cleanup_(site_list_freep) struct site_list *list = parse_ok(full);
	assert_string_equal(list->site, "kbh1");
	assert_int_equal(list->epoch, 1);
	assert_int_equal(list->serial, 42);
	assert_int_equal(list->valid_until - list->date, 30 * 86400);
	assert_int_equal(list->sync_minute, 195);
	assert_int_equal(list->splay_seconds, 1800);
	assert_true(list->scope_all);
	assert_int_equal(list->max_removals, 5);
	assert_int_equal(list->param_count, 1);
	assert_string_equal(list->params[0].appliance, "askom");
	assert_int_equal(list->params[0].size_bytes, 118);
	assert_int_equal(list->lists[LIST_MUSTHAVE].count, 2);
	assert_string_equal(list->lists[LIST_MUSTHAVE].items[0].version, "1.4.0");
	assert_int_equal(list->lists[LIST_MAYHAVE].items[0].match, MATCH_GLOB);
	assert_int_equal(list->lists[LIST_MAYNOTHAVE].items[1].match, MATCH_REGEX);
}

static void test_defaults(void **state)
{
	_cleanup_(site_list_freep) struct site_list *list = parse_ok(minimal);
	assert_int_equal(list->sync_minute, 150);
	assert_int_equal(list->splay_seconds, 2700);
	assert_false(list->scope_all);
	assert_int_equal(list->max_removals, 3);
	assert_int_equal(list->repository_not_before, 0);
	assert_int_equal(list->lists[LIST_MUSTHAVE].count, 0);
}

static void test_format_round_trip(void **state)
{
	_cleanup_(site_list_freep) struct site_list *list = parse_ok(full);
	_cleanup_strbuf_ struct strbuf once = STRBUF_INIT;
	site_list_format(list, &once);
	assert_string_equal(once.data, full);
	_cleanup_(site_list_freep) struct site_list *again = parse_ok(once.data);
	_cleanup_strbuf_ struct strbuf twice = STRBUF_INIT;
	site_list_format(again, &twice);
	assert_string_equal(once.data, twice.data);
}

#define EMPTY_LISTS "\nList: musthave\n\nList: mayhave\n\nList: maynothave\n"
#define MUST(entries) HEADER "\nList: musthave\nEntries:\n" entries \
			     "\nList: mayhave\n\nList: maynothave\n"

static const struct {
	const char *text;
	const char *why; /* a part of the message */
} bad_lists[] = {
	{ "", "stanzas" },
	{ HEADER, "cut short" },
	{ HEADER "\nList: musthave\n\nList: mayhave\n", "cut short" },
	{ HEADER EMPTY_LISTS "\nList: musthave\n", "stanzas" },
	{ HEADER "\nList: mayhave\n\nList: musthave\n\nList: maynothave\n", "where 'musthave'" },
	{ HEADER "Musthav: x\n" EMPTY_LISTS, "Musthav" },
	{ HEADER "\nList: musthave\nEntry: x\n\nList: mayhave\n\nList: maynothave\n", "Entry" },
	{ HEADER "Serial: 43\n" EMPTY_LISTS, "Serial" },
	{ HEADER "Sync-At: 24:00\n" EMPTY_LISTS, "Sync-At" },
	{ HEADER "Sync-At: 2:30\n" EMPTY_LISTS, "Sync-At" },
	{ HEADER "Splay: 25h\n" EMPTY_LISTS, "Splay" },
	{ HEADER "Splay: soon\n" EMPTY_LISTS, "Splay" },
	{ HEADER "Scope: theirs\n" EMPTY_LISTS, "Scope" },
	{ HEADER "Max-Removals: -1\n" EMPTY_LISTS, "Max-Removals" },
	{ HEADER "Repository-Not-Before: yesterday\n" EMPTY_LISTS, "Repository-Not-Before" },
	{ HEADER "Params:\n abc 1 askom\n" EMPTY_LISTS, "SHA-256" },
	{ HEADER "Params:\n " SHA " 1\n" EMPTY_LISTS, "SHA256 SIZE APPLIANCE" },
	{ HEADER "Params:\n " SHA " 1 ../../etc\n" EMPTY_LISTS, "package name" },
	{ HEADER "Params:\n " SHA " 99999999 a1\n" EMPTY_LISTS, "Params" },
	{ HEADER "Params:\n " SHA " 1 a1\n " SHA " 1 a1\n" EMPTY_LISTS, "twice" },
	{ MUST(" a1 (= 1)\n a1 (= 2)\n"), "twice" },
	{ MUST(" a1 (>= 1)\n"), "relation" },
	{ MUST(" # a comment\n"), "comment" },
	{ MUST(" .\n tiny\n"), "empty entry" },
	{ HEADER "\nList: musthave\nEntries:\n foo\n\nList: mayhave\n\nList: maynothave\n"
		 "Entries:\n foo\n", "two lists" },
	{ HEADER "\nList: musthave\nEntries:\n foo\n\nList: mayhave\n\nList: maynothave\n"
		 "Entries:\n fo*\n", "forbids" },
	{ HEADER "\nList: musthave\nEntries:\n foo\n\nList: mayhave\n\nList: maynothave\n"
		 "Entries:\n /f.+/\n", "forbids" },
	{ "Format: waybill-site-list 2\nSite: kbh1\n" EMPTY_LISTS, "older" },
	{ "Format: waybill-site-list 1\nSite: ../x\nEpoch: 1\nSerial: 1\n" EMPTY_LISTS, "Site" },
	{ "Format: waybill-site-list 1\nSite: k\nEpoch: 1\nSerial: 99999999999999999999\n"
	  "Date: 2026-11-20T23:40:51Z\nValid-Until: 2026-12-20T23:40:51Z\n" EMPTY_LISTS, "Serial" },
	{ "Format: waybill-site-list 1\nSite: k\nEpoch: 1\nSerial: 1\n"
	  "Date: 2026-11-20T23:40:51Z\nValid-Until: 2025-12-20T23:40:51Z\n" EMPTY_LISTS,
	  "before Date" },
};

static void test_bad_lists(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_lists); i++) {
		struct err err = ERR_INIT;
		struct site_list *list = NULL;
		const char *text = bad_lists[i].text;
		if (site_list_parse(text, strlen(text), &list, &err) == 0)
			fail_msg("case %zu was taken: %s", i, text);
		assert_null(list);
		if (!strstr(err.msg, bad_lists[i].why) || !str_starts(err.msg, "site.list"))
			fail_msg("case %zu: '%s' does not say '%s'", i, err.msg,
				 bad_lists[i].why);
		err_clear(&err);
	}
}

static void test_too_many(void **state)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	strbuf_adds(&text, HEADER "\nList: musthave\nEntries:\n");
	for (int i = 0; i <= SITE_LIST_MAX_ENTRIES; i++)
		strbuf_addf(&text, " p%d\n", i);
	strbuf_adds(&text, "\nList: mayhave\n\nList: maynothave\n");
	struct err err = ERR_INIT;
	struct site_list *list = NULL;
	assert_int_equal(site_list_parse(text.data, text.len, &list, &err), -1);
	assert_int_equal(err.code, ERR_TOO_LARGE);
	err_clear(&err);
	assert_int_equal(site_list_parse(text.data, SITE_LIST_MAX_BYTES + 1, &list, &err), -1);
	assert_int_equal(err.code, ERR_TOO_LARGE);
	err_clear(&err);
}

static const struct {
	const char *line;
	enum site_list_kind kind;
	const char *formatted; /* NULL: a comment or blank line */
} good_entries[] = {
	{ "askom", LIST_MUSTHAVE, "askom" },
	{ "  askom\t", LIST_MAYHAVE, "askom" },
	{ "as kom", LIST_MUSTHAVE, "askom" },
	{ "askom(=1.4.0)", LIST_MUSTHAVE, "askom (= 1.4.0)" },
	{ "askom  ( = 1:1.4~rc1-2 ) ", LIST_MUSTHAVE, "askom (= 1:1.4~rc1-2)" },
	{ "debug-*", LIST_MAYNOTHAVE, "debug-*" },
	{ "lib[a-z]?", LIST_MUSTHAVE, "lib[a-z]?" },
	{ "/lib(foo|bar)[0-9]+/", LIST_MAYHAVE, "/lib(foo|bar)[0-9]+/" },
	{ "/([a-z]+-)+dev/", LIST_MAYHAVE, "/([a-z]+-)+dev/" },
	{ "/(^a+|(b?c)*d|[^x]*(y))*.*?/", LIST_MAYHAVE, "/(^a+|(b?c)*d|[^x]*(y))*.*?/" },
	{ "/^[]{(+)\\1]+[^]$^]$|g\\+\\+/", LIST_MAYHAVE, "/^[]{(+)\\1]+[^]$^]$|g\\+\\+/" },
	{ "/[[:alpha:](+]((a+)b*)+(c+d+)+e+/", LIST_MAYHAVE, "/[[:alpha:](+]((a+)b*)+(c+d+)+e+/" },
	{ "g++", LIST_MAYHAVE, "g++" },
	{ "# askom", LIST_MUSTHAVE, NULL },
	{ "", LIST_MUSTHAVE, NULL },
	{ " \t ", LIST_MUSTHAVE, NULL },
};

static void test_good_entries(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good_entries); i++) {
		struct err err = ERR_INIT;
		struct site_list_entry entry = { 0 };
		if (site_list_entry_parse(good_entries[i].line, good_entries[i].kind, &entry,
					  &err) < 0)
			fail_msg("'%s': %s", good_entries[i].line, err.msg);
		if (!good_entries[i].formatted) {
			assert_null(entry.pattern);
			continue;
		}
		_cleanup_free_ char *text = site_list_entry_format(&entry);
		assert_string_equal(text, good_entries[i].formatted);
		site_list_entry_destroy(&entry);
	}
}

static const char *const bad_entries[] = {
	"debtags:role::program", "meta:current-kernel", "foo|bar", "~i", "?name(foo)", "foo)",
	"Foo", "../etc", "a", "-foo", "foo;rm", "[", "lib[", "lib[]", "lib]x*", "/(/", "/a{9}/",
	"/(a)\\1/", "//", "/", "foo (= 1.0", "foo (= )", "foo (= 1.0) bar", "(= 1.0)", "fo* (= 1)",
	"/a)|(.*/", "/a)/", "/(a{2})/", "/((a+)+)+/", "/a+++/", "/(((a+)?b)+)+/", "/a**/", "/(a*)+/",
	"/(|a)*/", "/(a?(b|^)c*$)*/", "/(a|\\<)*/", "/*a/", "/a\\/", "/[[:alpha:]/", "foo (<< 2)",
	"foo (= a b)", "foo:i386", "foo_1.0", "caf\xc3\xa9", "foo #comment",
};

static void test_bad_entries(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_entries); i++) {
		struct err err = ERR_INIT;
		struct site_list_entry entry = { 0 };
		if (site_list_entry_parse(bad_entries[i], LIST_MUSTHAVE, &entry, &err) == 0)
			fail_msg("'%s' was taken", bad_entries[i]);
		assert_int_equal(err.code, ERR_INPUT);
		assert_null(entry.pattern);
		err_clear(&err);
	}
	struct err err = ERR_INIT;
	struct site_list_entry entry = { 0 };
	assert_int_equal(site_list_entry_parse("foo (= 1)", LIST_MAYHAVE, &entry, &err), -1);
	assert_non_null(strstr(err.msg, "musthave only"));
	err_clear(&err);
}

static void assert_matches(const char *pattern, const char *package, bool expected)
{
	struct err err = ERR_INIT;
	struct site_list_entry entry = { 0 };
	assert_int_equal(site_list_entry_parse(pattern, LIST_MAYHAVE, &entry, &err), 0);
	if (site_list_entry_matches(&entry, package) != expected)
		fail_msg("%s against %s", pattern, package);
	site_list_entry_destroy(&entry);
}

/* pkgsync matched regular expressions anywhere in a name; ours are anchored. */
static void test_matches(void **state)
{
	assert_matches("askom", "askom", true);
	assert_matches("askom", "askom-doc", false);
	assert_matches("askom*", "askom-doc", true);
	assert_matches("askom*", "libaskom", false);
	assert_matches("lib[!x]?", "libab", true);
	assert_matches("/ask/", "askom", false);
	assert_matches("/a|b/", "ab", false);
	assert_matches("/(ask|tin).*/", "tiny", true);
	assert_matches("/^ask.*|tiny$/", "tiny", true);
	assert_matches("/^ask|tiny$/", "askom", false);
	assert_matches("/([a-z]+-)+dev/", "lib-a-dev", true);
}

static void test_operator_file(void **state)
{
	static const char text[] = "# our packages\n\naskom (= 1.4.0)\n  tiny\n";
	struct err err = ERR_INIT;
	_cleanup_(site_list_freep) struct site_list *list = site_list_new();
	assert_int_equal(site_list_read_operator_file(text, strlen(text), "musthave",
						      LIST_MUSTHAVE, list, &err), 0);
	assert_int_equal(list->lists[LIST_MUSTHAVE].count, 2);
	static const char wrong[] = "fine\ndebtags:role::x\nlost\n";
	assert_int_equal(site_list_read_operator_file(wrong, strlen(wrong), "musthave",
						      LIST_MUSTHAVE, list, &err), -1);
	assert_non_null(strstr(err.msg, "musthave:2"));
	err_clear(&err);
	assert_int_equal(site_list_read_operator_file("cut", 3, "musthave", LIST_MUSTHAVE, list,
						      &err), -1);
	assert_non_null(strstr(err.msg, "cut short"));
	err_clear(&err);
	assert_int_equal(site_list_read_operator_file("a1\0b\n", 5, "mayhave", LIST_MAYHAVE, list,
						      &err), -1);
	err_clear(&err);
}

/* Whatever the bytes, the parser ends with a list that formats to something it
 * takes again, or with an error; never with a crash (run it under ASan). */
static void try_mutant(const char *text, size_t len)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	if (site_list_parse(text, len, &list, &err) < 0) {
		assert_null(list);
		assert_non_null(err.msg);
		return;
	}
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	site_list_format(list, &out);
	_cleanup_(site_list_freep) struct site_list *again = parse_ok(out.data);
	assert_string_equal(again->site, list->site);
	assert_int_equal(again->lists[LIST_MAYNOTHAVE].count,
			 list->lists[LIST_MAYNOTHAVE].count);
}

static void test_bit_flips(void **state)
{
	size_t len = strlen(full);
	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			_cleanup_free_ char *mutant = xstrndup(full, len);
			mutant[i] = (char)(mutant[i] ^ (1 << bit));
			try_mutant(mutant, len);
		}
	}
}

/* A list that is cut anywhere but behind its last entry's line is refused. */
static void test_truncations(void **state)
{
	const char *last_list = strstr(full, "\nList: maynothave");
	for (size_t len = 0; len < strlen(full); len++) {
		_cleanup_err_ struct err err = ERR_INIT;
		_cleanup_(site_list_freep) struct site_list *list = NULL;
		_cleanup_free_ char *cut = xstrndup(full, len);
		int rc = site_list_parse(cut, len, &list, &err);
		if (len <= (size_t)(last_list - full))
			assert_int_equal(rc, -1);
		if (rc == 0 && cut[len - 1] != '\n')
			fail_msg("cut after %zu bytes, in a line, was taken", len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_format_round_trip),
		cmocka_unit_test(test_bad_lists),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_good_entries),
		cmocka_unit_test(test_bad_entries),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_operator_file),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_truncations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
