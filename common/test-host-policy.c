/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <stdlib.h>
#include <time.h>

#include "common/host-policy.h"
#include "common/util.h"

static int parse(const char *text, struct host_policy *policy, struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	host_policy_init(policy);
	if (deb822_parse(text, strlen(text), 1, "policy", &doc, err) < 0)
		return -1;
	return host_policy_parse(&doc->stanzas[0], policy, err);
}

static const char full[] = "Host-Upgrades: all\n"
			   "Security-Origins: Debian/Debian-Security, Our Own/hot fixes\n"
			   "Keep-Kernels: 4\nReboot-Window: 23:30-01:00\nMin-Free: 1536M\n"
			   "Host-Ssh: 10.0.0.0/8 fd00::/8\n";

static void test_round_trip(void **state)
{
	struct err err = ERR_INIT;
	struct host_policy policy;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	assert_ok(parse(full, &policy, &err));
	assert_int_equal(policy.upgrades, HOST_UPGRADES_ALL);
	assert_int_equal(policy.security_origins.count, 2);
	assert_string_equal(policy.security_origins.items[1], "Our Own/hot fixes");
	assert_int_equal(policy.keep_kernels, 4);
	assert_true(policy.reboot.is_set);
	assert_int_equal(policy.reboot.from, 23 * 60 + 30);
	assert_true(policy.min_free_bytes == 1536ull << 20);
	assert_int_equal(policy.ssh_from.count, 2);
	host_policy_write(&text, &policy);
	assert_string_equal(text.data, full);
	host_policy_destroy(&policy);
}

/* A site with an older pkgmgr refuses a list with a field that it does not know. */
static void test_defaults_are_not_written(void **state)
{
	struct err err = ERR_INIT;
	struct host_policy policy;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	assert_ok(parse("Host-Upgrades: security\nSecurity-Origins:\n Debian/Debian-Security\n"
			"Keep-Kernels: 2\nReboot-Window: none\nMin-Free: 1024M\n",
			&policy, &err));
	host_policy_write(&text, &policy);
	assert_int_equal(text.len, 0);
	host_policy_destroy(&policy);
}

static const struct {
	const char *text, *why;
} bad[] = {
	{ "Host-Ssh: yes\n", "neither none nor any" },
	{ "Host-Ssh: 10.0.0.1/8\n", "is no network" },
	{ "Host-Ssh:\n", "Host-Ssh" },
	{ "Host-Upgrades: some\n", "neither 'none' nor 'security'" },
	{ "Host-Upgrades: Security\n", "neither" },
	{ "Host-Upgrades:\n", "neither" },
	{ "Security-Origins: Debian\n", "ORIGIN/LABEL" },
	{ "Security-Origins: /Debian\n", "ORIGIN/LABEL" },
	{ "Security-Origins: Debian/\n", "ORIGIN/LABEL" },
	{ "Security-Origins: Debian/Debian-Security, Debian\n", "ORIGIN/LABEL" },
	{ "Security-Origins:\n", "not 1 to" },
	{ "Keep-Kernels: 0\n", "Keep-Kernels" },
	{ "Keep-Kernels: 21\n", "Keep-Kernels" },
	{ "Keep-Kernels: two\n", "Keep-Kernels" },
	{ "Reboot-Window: always\n", "03:00-05:00" },
	{ "Reboot-Window: 3:00-05:00\n", "no time of day" },
	{ "Reboot-Window: 03:00-24:00\n", "no time of day" },
	{ "Reboot-Window: 03:00-05:00-06:00\n", "no time of day" },
	{ "Reboot-Window: 03:00 - 05:00\n", "no time of day" },
	{ "Reboot-Window: 03:00-03:00\n", "no length" },
	{ "Min-Free: much\n", "no size" },
	{ "Min-Free: -1\n", "no size" },
};

static void test_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct host_policy policy;
		if (parse(bad[i].text, &policy, &err) == 0)
			fail_msg("taken: %s", bad[i].text);
		if (!strstr(err.msg, bad[i].why))
			fail_msg("'%s': %s", bad[i].text, err.msg);
		assert_int_equal(err.code, ERR_INPUT);
		host_policy_destroy(&policy);
		err_clear(&err);
	}
}

/* 2026-11-21 at this hour and minute, UTC. */
static int64_t at(int hour, int minute)
{
	return 1795219200 + hour * 3600 + minute * 60;
}

static void test_window(void **state)
{
	struct day_window day = { true, 3 * 60, 5 * 60 }, night = { true, 23 * 60 + 30, 60 };
	struct day_window none = { 0 };
	assert_false(day_window_is_open(&day, at(2, 59)));
	assert_true(day_window_is_open(&day, at(3, 0)));
	assert_true(day_window_is_open(&day, at(4, 59) + 59));
	assert_false(day_window_is_open(&day, at(5, 0)));
	assert_false(day_window_is_open(&night, at(23, 29)));
	assert_true(day_window_is_open(&night, at(23, 30)));
	assert_true(day_window_is_open(&night, at(0, 0)));
	assert_false(day_window_is_open(&night, at(1, 0)));
	assert_false(day_window_is_open(&none, at(3, 0)));
	assert_int_equal(day_window_next(&day, at(2, 59)), at(3, 0));
	assert_int_equal(day_window_next(&day, at(3, 0)), at(27, 0));
	assert_int_equal(day_window_next(&none, at(3, 0)), 0);
}

/* 2026-03-29: 02:00 is 03:00 at once. 2026-10-25: 03:00 is 02:00 again. */
static void test_window_and_summer_time(void **state)
{
	struct day_window gap = { true, 2 * 60 + 10, 2 * 60 + 20 };
	struct day_window twice = { true, 2 * 60, 3 * 60 };
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	int64_t spring = 1774746000; /* 2026-03-29T01:00:00Z, when the gap is */
	assert_false(day_window_is_open(&gap, spring));
	assert_true(day_window_next(&gap, spring - 86400 / 2) > spring - 86400 / 2);
	int64_t autumn = 1792886400; /* 2026-10-25T00:00:00Z, 02:00 in summer time */
	assert_true(day_window_is_open(&twice, autumn));
	assert_true(day_window_is_open(&twice, autumn + 3600 + 1800));
	assert_false(day_window_is_open(&twice, autumn + 2 * 3600));
	setenv("TZ", "UTC", 1);
	tzset();
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_defaults_are_not_written),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_window_and_summer_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
