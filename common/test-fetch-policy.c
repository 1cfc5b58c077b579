/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/fetch-policy.h"

#include "common/test-lib.h"

#include <arpa/inet.h>

#include "common/network-list.h"

static struct err err = ERR_INIT;

static int parse(const char *text, bool in_list, struct fetch_policy *policy, struct err *error)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	struct err *outer = error;
	fetch_policy_init(policy);
	if (deb822_parse(text, strlen(text), 1, "test", &doc, outer) < 0)
		return -1;
	return fetch_policy_parse(&doc->stanzas[0], in_list, policy, outer);
}

static void test_own_word_first(void **state)
{
	struct fetch_policy own, list, both;
	assert_ok(parse("Rate-Limit: 1M\nProxy: none\nPeers: http://a:1/ http://b\n", false, &own,
			&err));
	assert_ok(parse("Rate-Limit: 2M\nFetch-Deadline: 1h\nPeers: http://b http://c\n", true,
			&list, &err));
	fetch_policy_merge(&own, &list, &both);
	assert_int_equal(both.rate_limit, 1 << 20);
	assert_int_equal(both.deadline_s, 3600);
	assert_int_equal(both.parallel, 2);
	assert_int_equal(both.minimum_rate, 256);
	assert_int_equal(both.cache_bytes, 0);
	assert_string_equal(both.proxy, "none");
	assert_int_equal(both.peers.count, 3);
	assert_string_equal(both.peers.items[0], "http://a:1");
	fetch_policy_destroy(&both);
	fetch_policy_merge(&own, NULL, &both);
	assert_int_equal(both.deadline_s, 8 * 3600);
	fetch_policy_destroy(&both);
	fetch_policy_destroy(&own);
	fetch_policy_destroy(&list);
}

static void test_serving(void **state)
{
	struct fetch_policy own, list, both;
	struct in_addr address;
	assert_ok(parse("Serve-To: 192.168.7.0/24 10.1.2.3\n", true, &list, &err));
	assert_ok(parse("Parallel: 2\n", false, &own, &err));
	fetch_policy_merge(&own, &list, &both);
	assert_int_equal(both.serve_to.count, 2);
	assert_int_equal(both.cache_bytes, 1 << 30);
	static const struct { const char *address; bool in; } tries[] = {
		{ "192.168.7.0", true }, { "192.168.7.255", true }, { "192.168.8.0", false },
		{ "192.168.6.255", false }, { "10.1.2.3", true }, { "10.1.2.2", false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		inet_pton(AF_INET, tries[i].address, &address);
		assert_int_equal(network_list_has(&both.serve_to, address), tries[i].in);
	}
	fetch_policy_destroy(&both);
	fetch_policy_destroy(&own);

	/* The site's own word goes first, also if it is no; and what is kept, if it is said. */
	assert_ok(parse("Serve-To: none\n", false, &own, &err));
	fetch_policy_merge(&own, &list, &both);
	assert_int_equal(both.serve_to.count, 0);
	assert_int_equal(both.cache_bytes, 0);
	fetch_policy_destroy(&both);
	fetch_policy_destroy(&own);
	assert_ok(parse("Serve-To: any\nCache-Size: 5M\n", false, &own, &err));
	fetch_policy_merge(&own, &list, &both);
	assert_int_equal(both.serve_to.count, 1);
	assert_true(network_list_has(&both.serve_to, address));
	assert_int_equal(both.cache_bytes, 5 << 20);
	fetch_policy_destroy(&both);
	fetch_policy_destroy(&own);
	fetch_policy_destroy(&list);

	assert_ok(parse("Serve-To: private\n", true, &list, &err));
	struct strbuf out = STRBUF_INIT;
	fetch_policy_write(&out, &list);
	assert_string_equal(out.data, "Serve-To: 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16\n");
	strbuf_destroy(&out);
	fetch_policy_destroy(&list);
}

static void test_list_text(void **state)
{
	static const char text[] = "Rate-Limit: 1048576\nFetch-Deadline: 3600s\nPeers: http://a http://b\n"
				   "Serve-To: none\n";
	struct fetch_policy policy;
	struct strbuf out = STRBUF_INIT;
	assert_ok(parse(text, true, &policy, &err));
	fetch_policy_write(&out, &policy);
	assert_string_equal(out.data, text);
	strbuf_destroy(&out);
	fetch_policy_destroy(&policy);
}

static void test_refused(void **state)
{
	static const struct { const char *text, *says; } bad[] = {
		{ "Rate-Limit: fast\n", "Rate-Limit" },
		{ "Parallel: 0\n", "Parallel" },
		{ "Parallel: 9\n", "Parallel" },
		{ "Fetch-Deadline: 0\n", "Fetch-Deadline" },
		{ "Stall-Time: 2h\n", "Stall-Time" },
		{ "Proxy: -x\n", "Proxy" },
		{ "Proxy: file:///etc\n", "Proxy" },
		{ "Peers: ftp://a\n", "Peers" },
		{ "Peers: http://\n", "Peers" },
		{ "Peers: http://a/?x\n", "Peers" },
		{ "Serve-To: yes\n", "Serve-To" },
		{ "Serve-To: 10.0.0.1/8\n", "Serve-To" },
		{ "Serve-To: 10.0.0.0/8 fd00::/8\n", "IPv4" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fetch_policy policy;
		assert_fails(parse(bad[i].text, false, &policy, &err), ERR_INPUT, bad[i].says);
		fetch_policy_destroy(&policy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_word_first),
		cmocka_unit_test(test_serving),
		cmocka_unit_test(test_list_text),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
