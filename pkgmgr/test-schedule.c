/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <time.h>

#include "common/atomic-file.h"
#include "pkgmgr/schedule.h"

static int64_t utc(const char *text)
{
	struct err err = ERR_INIT;
	int64_t t = 0;
	assert_ok(time_parse(text, &t, "time", &err));
	return t;
}

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void test_nightly(void **state)
{
	set_zone("UTC");
	struct schedule s = { .site = (char *)"kbh1", .sync_minute = 150, .splay_seconds = 0 };
	assert_int_equal(schedule_next(&s, utc("2026-11-20T23:40:51Z")),
			 utc("2026-11-21T02:30:00Z"));
	assert_int_equal(schedule_next(&s, utc("2026-11-21T02:29:59Z")),
			 utc("2026-11-21T02:30:00Z"));
	assert_int_equal(schedule_next(&s, utc("2026-11-21T02:30:00Z")),
			 utc("2026-11-22T02:30:00Z"));
}

/* 02:30 does not exist in the night when summer time begins, and exists twice in
 * the one when it ends; either way there is one sync a day. */
static void test_summer_time(void **state)
{
	set_zone("Europe/Copenhagen");
	struct schedule s = { .site = (char *)"kbh1", .sync_minute = 150, .splay_seconds = 0 };
	int64_t at = utc("2026-03-27T12:00:00Z");
	for (int i = 0; i < 4; i++) {
		int64_t next = schedule_next(&s, at);
		assert_in_range(next - at, 1, 26 * 3600);
		at = next;
	}
	assert_int_equal(schedule_next(&s, utc("2026-03-29T12:00:00Z")),
			 utc("2026-03-30T00:30:00Z"));
	set_zone("UTC");
}

static void test_splay(void **state)
{
	set_zone("UTC");
	/* Stable, within the span, different between sites, and past midnight. */
	struct schedule s = { .site = (char *)"kbh1", .sync_minute = 23 * 60 + 50, .splay_seconds = 7200 };
	uint64_t offset = schedule_offset("kbh1", 7200);
	assert_true(offset < 7200);
	assert_int_equal(offset, schedule_offset("kbh1", 7200));
	assert_true(offset != schedule_offset("kbh2", 7200) ||
		    offset != schedule_offset("kbh3", 7200));
	int64_t first = utc("2026-11-20T23:50:00Z") + (int64_t)offset;
	assert_int_equal(schedule_next(&s, first - 1), first);
	assert_int_equal(schedule_next(&s, first), first + 86400);
	assert_int_equal(schedule_offset("kbh1", 0), 0);
}

static void test_backoff(void **state)
{
	uint64_t last = 0;
	for (unsigned n = 1; n < 40; n++) {
		uint64_t delay = schedule_backoff(n, false, 0.5);
		assert_true(delay >= last && delay <= 4 * 3600);
		last = delay;
	}
	assert_int_equal(schedule_enrol_backoff(1, 0.5), 60);
	assert_int_equal(schedule_enrol_backoff(1000, 0.5), 900);
	assert_int_equal(schedule_backoff(1, false, 0.5), 60);
	assert_int_equal(schedule_backoff(1, false, 0), 45);
	assert_int_equal(schedule_backoff(1, true, 0.5), 3600);
	assert_int_equal(last, 4 * 3600);
}

static void test_file(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *dir = test_tmpdir();
	struct root root;
	assert_ok(root_init(&root, dir, &err));
	struct schedule s;
	schedule_init(&s);
	assert_ok(schedule_read(&root, &s, &err));
	assert_int_equal(s.sync_minute, 150);
	_cleanup_free_ char *lib = root_path(&root, "var/lib/waybill");
	assert_ok(make_dirs(lib, 0755, &err));
	free(s.site);
	s = (struct schedule){ xstrdup("kbh1"), 61, 90, .serve_to = xstrdup("10.0.0.0/8 192.168.7.0/24") };
	assert_ok(schedule_write(&root, &s, &err));
	struct schedule again;
	schedule_init(&again);
	assert_ok(schedule_read(&root, &again, &err));
	assert_string_equal(again.site, "kbh1");
	assert_int_equal(again.sync_minute, 61);
	assert_int_equal(again.splay_seconds, 90);
	assert_string_equal(again.serve_to, "10.0.0.0/8 192.168.7.0/24");

	static const char *const bad[] = {
		"", "Site: a\n", "Site: a\nSync-At: 24:00\nSplay: 1s\n",
		"Site: a\nSync-At: 1\nSplay: 1s\n", "Site: a\nSync-At: 1:60\nSplay: 1s\n",
		"Site: a\nSync-At: 1:00\nSplay: x\n", "Site: a\nSync-At: 1:00\nSplay: 1s\nX\n",
	};
	_cleanup_free_ char *path = root_path(&root, SCHEDULE_FILE);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_ok(atomic_file_write(path, bad[i], strlen(bad[i]), 0644, &err));
		assert_true(schedule_read(&root, &again, &err) < 0);
		assert_int_equal(err.code, ERR_INPUT);
		err_clear(&err);
		assert_string_equal(again.site, "kbh1");
	}
	schedule_destroy(&s);
	schedule_destroy(&again);
	root_destroy(&root);
	assert_ok(remove_tree(dir, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nightly), cmocka_unit_test(test_summer_time),
		cmocka_unit_test(test_splay),	cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
