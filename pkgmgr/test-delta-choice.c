/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which deltas a site takes. */
#include "common/test-lib.h"

#include "common/strbuf.h"
#include "pkgmgr/delta-choice.h"

static struct err err = ERR_INIT;

#define SHA(digit) digit "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define STANZA(old, new, size, digit) "Package: askom\nArchitecture: amd64\nOld-Version: " old \
	"\nNew-Version: " new "\nFilename: pool/main/a/askom/x.delta\nSize: " size "\nSHA256: " SHA(digit) "\n\n"

static void parse(struct delta_offers *offers, const char *text)
{
	assert_ok(delta_offers_parse(text, strlen(text), "http://a", offers, &err));
}

/* The sizes of what is chosen from `from` to 3 for a package of `full` bytes: "100 20". */
static char *chosen(const struct delta_offers *offers, const char *from, uint64_t full)
{
	struct plan *plan = plan_new();
	struct plan_action *a = plan_add_action(plan);
	_cleanup_strbuf_ struct strbuf sizes = STRBUF_INIT;
	a->verb = PLAN_UPGRADE;
	a->package = xstrdup("askom");
	a->from_version = xstrdup(from);
	a->to_version = xstrdup("3");
	a->archive.size_bytes = full;
	a->archive.data_sha256 = xstrdup(SHA("a"));
	a->archive.control_sha256 = xstrdup(SHA("b"));
	delta_choose(offers, a);
	strbuf_adds(&sizes, "");
	for (size_t i = 0; i < a->archive.delta_count; i++)
		strbuf_addf(&sizes, "%s%llu", i ? " " : "",
			    (unsigned long long)a->archive.deltas[i].size_bytes);
	plan_free(plan);
	return strbuf_steal(&sizes);
}

static void test_choice(void **state)
{
	static const struct { const char *from; uint64_t full; const char *want; } cases[] = {
		{ "1", 1000, "10 20" },	/* two are smaller than the one of 100 */
		{ "2", 1000, "20" },
		{ "2", 20, "" },	/* not smaller than the package */
		{ "1", 25, "" },
		{ "0", 1000, "300" },
		{ "4", 1000, "" },
	};
	_cleanup_(delta_offers_destroy) struct delta_offers offers = { NULL, 0 };
	parse(&offers, STANZA("1", "3", "100", "0") STANZA("1", "2", "10", "1")
			       STANZA("2", "3", "20", "2") STANZA("0", "3", "300", "3"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *got = chosen(&offers, cases[i].from, cases[i].full);
		assert_string_equal(got, cases[i].want);
	}
}

static void test_two_servers(void **state)
{
	_cleanup_(delta_offers_destroy) struct delta_offers offers = { NULL, 0 };
	parse(&offers, STANZA("1", "3", "100", "0"));
	assert_ok(delta_offers_parse(STANZA("1", "3", "100", "0"), strlen(STANZA("1", "3", "100", "0")),
				     "http://b/", &offers, &err));
	assert_int_equal(offers.count, 1);
	assert_string_equal(offers.items[0].delta.uris.items[0], "http://a/pool/main/a/askom/x.delta");
	assert_string_equal(offers.items[0].delta.uris.items[1], "http://b/pool/main/a/askom/x.delta");
}

static void test_broken(void **state)
{
	static const char *const bad[] = {
		"Package: askom\n",
		"Package: ../x\nOld-Version: 1\nNew-Version: 2\nFilename: x\nSize: 1\nSHA256: " SHA("0") "\n",
		"Package: x1\nOld-Version: 1\nNew-Version: 2\nFilename: ../x\nSize: 1\nSHA256: " SHA("0") "\n",
		"Package: x1\nOld-Version: 1\nNew-Version: 2\nFilename: x\nSize: -1\nSHA256: " SHA("0") "\n",
		"Package: x1\nOld-Version: 1\nNew-Version: 2\nFilename: x\nSize: 1\nSHA256: 0\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(delta_offers_destroy) struct delta_offers offers = { NULL, 0 };
		assert_true(delta_offers_parse(bad[i], strlen(bad[i]), "u", &offers, &err) < 0);
		assert_int_equal(offers.count, 0);
		err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_choice),
					    cmocka_unit_test(test_two_servers),
					    cmocka_unit_test(test_broken) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
