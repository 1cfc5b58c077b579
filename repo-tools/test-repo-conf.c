/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/repo-conf.h"

#include "common/test-mutate.h"

#define KEYS "Signing-Key: AAAA\nList-Key: BBBB\n"
#define FULL                                                                              \
	"Origin: Hospital\nLabel: Wards\nSuites: stable testing\nComponents: main\n"       \
	"Architectures: amd64 arm64\n" KEYS "Release-Valid: 7d\nList-Valid: 36h\n"         \
	"Url: https://hq.example.org/waybill\nServer: imagerepo@hq.example.org\nPort: 2222\n" \
	"Require-Tested: yes\n" \
	"Deltas: 5\n"

static int parse(const char *text, struct repo_conf **conf, struct err *err)
{
	return repo_conf_parse(text, strlen(text), "repo.conf", conf, err);
}

static void test_round_trip(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(repo_conf_freep) struct repo_conf *conf = NULL;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	assert_ok(parse(FULL, &conf, &err));
	assert_int_equal(conf->release_valid_seconds, 7 * 86400);
	assert_int_equal(conf->list_valid_seconds, 36 * 3600);
	assert_int_equal(conf->port, 2222);
	assert_true(conf->require_tested);
	assert_string_equal(conf->suites.items[1], "testing");
	repo_conf_format(conf, &text);
	assert_string_equal(text.data, FULL);
}

static void test_defaults(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(repo_conf_freep) struct repo_conf *conf = NULL;
	assert_ok(parse(KEYS, &conf, &err));
	assert_string_equal(conf->origin, "Waybill");
	assert_string_equal(conf->suites.items[0], "stable");
	assert_int_equal(conf->architectures.count, 1);
	assert_null(conf->url);
	assert_false(conf->require_tested);
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "empty" },
		{ "Origin: x\n", "Signing-Key" },
		{ KEYS "Colour: red\n", "Colour" },
		{ KEYS "Suites:\n", "empty" },
		{ KEYS "Suites: ../x\n", "no valid name" },
		{ KEYS "Suites: a/b\n", "no valid name" },
		{ KEYS "Suites: Stable\n", "no valid name" },
		{ KEYS "Architectures: all\n", "no valid name" },
		{ KEYS "Architectures: ../x\n", "no valid name" },
		{ KEYS "Components: main contrib\n", "component" },
		{ KEYS "Release-Valid: soon\n", "Release-Valid" },
		{ KEYS "Release-Valid: 0\n", "zero" },
		{ KEYS "Port: 0\n", "Port" },
		{ KEYS "Require-Tested: maybe\n", "neither yes nor no" },
		{ KEYS "Require-Tested:\n", "neither yes nor no" },
		{ KEYS "Deltas: 21\n", "Deltas" },
		{ KEYS "Deltas: all\n", "Deltas" },
		{ KEYS "Port: 70000\n", "Port" },
		{ KEYS "Origin: a\n b\n", "one line" },
		{ KEYS "\n" KEYS, "repo.conf" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct repo_conf *conf = NULL;
		assert_true(parse(bad[i].text, &conf, &err) < 0);
		if (!strstr(err.msg, bad[i].message))
			fail_msg("'%s' lacks '%s'", err.msg, bad[i].message);
		assert_null(conf);
		err_clear(&err);
	}
}

static void test_server(void **state)
{
	static const char *const bad[] = { "", "host", "@host", "user@", "user@host:0",
					   "user@host:x", "-oProxyCommand=x@h", "a b@host",
					   "user@host;id", "user@:22" };
	_cleanup_(repo_conf_freep) struct repo_conf *conf = repo_conf_new();
	struct err err = ERR_INIT;
	assert_ok(repo_conf_set_server(conf, "imagerepo@hq.example.org:2222", &err));
	assert_string_equal(conf->server, "imagerepo@hq.example.org");
	assert_int_equal(conf->port, 2222);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (repo_conf_set_server(conf, bad[i], &err) == 0)
			fail_msg("taken: '%s'", bad[i]);
		err_clear(&err);
	}
	assert_int_equal(conf->port, 2222);
}

static void check_any(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	_cleanup_(repo_conf_freep) struct repo_conf *conf = NULL;
	if (repo_conf_parse(text, len, "repo.conf", &conf, &err) < 0) {
		assert_non_null(err.msg);
		err_clear(&err);
		return;
	}
	assert_true(conf->suites.count > 0 && suite_name_is_valid(conf->suites.items[0]));
}

static void test_mutations(void **state)
{
	mutate(FULL, check_any);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_bad),	   cmocka_unit_test(test_server),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
