/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <arpa/inet.h>

#include "remote/proxy/sources.h"

static const struct sources_limits limits = { .strangers = 6,
					      .strangers_per_source = 3,
					      .rate_per_source = 10 };

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage out = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out;
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		v4->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
		v6->sin6_family = AF_INET6;
	else
		fail_msg("%s is no address", text);
	return out;
}

static struct source *enter(struct sources *sources, const char *text, int64_t now_ms)
{
	const struct sockaddr_storage from = address(text);
	return sources_enter(sources, &from, now_ms);
}

/* One source fills its own part, and no other's. */
static void test_strangers(void **state)
{
	_cleanup_(sources_freep) struct sources *sources = sources_new(&limits);
	struct source *first = enter(sources, "192.0.2.1", 0);
	assert_non_null(first);
	assert_ptr_equal(enter(sources, "::ffff:192.0.2.1", 0), first);
	assert_non_null(enter(sources, "192.0.2.1", 0));
	assert_null(enter(sources, "192.0.2.1", 0));
	assert_non_null(enter(sources, "192.0.2.2", 0));
	source_leave(sources, first);
	assert_ptr_equal(enter(sources, "192.0.2.1", 0), first);
	/* Five in all so far. */
	assert_non_null(enter(sources, "192.0.2.3", 0));
	assert_non_null(enter(sources, "192.0.2.4", 0));
	assert_null(enter(sources, "192.0.2.5", 0));
	source_leave(sources, NULL);
	source_leave(sources, first);
	assert_non_null(enter(sources, "192.0.2.5", 0));
}

/* Who changes the lower half of an IPv6 address is the same. */
static void test_networks(void **state)
{
	_cleanup_(sources_freep) struct sources *sources = sources_new(&limits);
	struct source *source = enter(sources, "2001:db8:1:2::1", 0);
	struct sockaddr_storage again;
	char name[INET6_ADDRSTRLEN];
	assert_ptr_equal(enter(sources, "2001:db8:1:2:3:4:5:6", 0), source);
	assert_ptr_not_equal(enter(sources, "2001:db8:1:3::1", 0), source);
	source_name(source, name);
	assert_string_equal(name, "2001:db8:1:2::");
	source_name(enter(sources, "192.0.2.9", 0), name);
	assert_string_equal(name, "192.0.2.9");
	source_address(source, &again);
	assert_ptr_equal(sources_enter(sources, &again, 0), source);
}

static void test_rate(void **state)
{
	_cleanup_(sources_freep) struct sources *sources = sources_new(&limits);
	int let_in = 0;
	for (int64_t now_ms = 0; now_ms < 2000; now_ms += 10) {
		struct source *source = enter(sources, "192.0.2.1", now_ms);
		let_in += source != NULL;
		source_leave(sources, source);
	}
	/* The first ten at once, then ten a second. */
	assert_in_range(let_in, 28, 30);
	assert_non_null(enter(sources, "192.0.2.2", 0));
}

static void test_failures(void **state)
{
	_cleanup_(sources_freep) struct sources *sources = sources_new(&limits);
	struct source *source = enter(sources, "192.0.2.1", 0);
	int64_t last = 0;
	for (int i = 0; i < 100; i++) {
		int64_t delay = source_failed(source, 0);
		assert_true(delay > last || delay == 30000);
		last = delay;
	}
	assert_int_equal(last, 30000);
	assert_int_equal(source_failed(enter(sources, "192.0.2.2", 0), 0), 100);
	/* Who is here is not forgotten, who is gone is when it has been quiet. */
	sources_sweep(sources, 3600 * 1000);
	assert_int_equal(sources_count(sources), 2);
	source_leave(sources, source);
	sources_sweep(sources, 1000);
	assert_int_equal(sources_count(sources), 2);
	sources_sweep(sources, 3600 * 1000);
	assert_int_equal(sources_count(sources), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
