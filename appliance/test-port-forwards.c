/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "appliance/port-forwards.h"

static void test_rules(void **state)
{
	static const struct port_rule rules[] = {
		{ { 8080, 80, false }, "192.168.148.10" },
		{ { 5353, 53, true }, "192.168.148.11" },
	};
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	port_forwards_format("waybill", "192.168.148", rules, 2, true, &out);
	assert_string_equal(
		out.data,
		"table ip waybill {\n}\n"
		"delete table ip waybill\n"
		"table ip waybill {\n"
		"\tchain from-outside {\n"
		"\t\ttype nat hook prerouting priority dstnat;\n"
		"\t\tfib daddr type local tcp dport 8080 dnat to 192.168.148.10:80\n"
		"\t\tfib daddr type local udp dport 5353 dnat to 192.168.148.11:53\n"
		"\t}\n"
		"\tchain from-here {\n"
		"\t\ttype nat hook output priority -100;\n"
		"\t\tfib daddr type local tcp dport 8080 dnat to 192.168.148.10:80\n"
		"\t\tfib daddr type local udp dport 5353 dnat to 192.168.148.11:53\n"
		"\t}\n"
		"\tchain way-out {\n"
		"\t\ttype nat hook postrouting priority srcnat;\n"
		"\t\tip saddr 192.168.148.0/24 ip daddr != 192.168.148.0/24 masquerade\n"
		"\t}\n"
		"}\n");
}

static void test_ports_of_user_are_marked(void **state)
{
	static const struct port_rule rules[] = {
		{ { 8080, 80, false }, "" },
		{ { 8081, 80, false }, "192.168.147.10" },
	};
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	port_forwards_format("waybill", "192.168.147", rules, 2, true, &out);
	assert_non_null(strstr(out.data,
			       "\tchain marks {\n"
			       "\t\ttype filter hook prerouting priority mangle;\n"
			       "\t\tfib daddr type local tcp dport 8080 meta mark set "
			       "meta mark and 0x00ffffff or 0x57000000\n"
			       "\t}\n"));
	assert_non_null(strstr(out.data, "dport 8081 dnat to 192.168.147.10:80\n"));
	assert_null(strstr(out.data, "dport 8080 dnat"));
	assert_null(strstr(out.data, "dport 8081 meta mark"));
}

static void test_the_last_one_cleans_up(void **state)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	port_forwards_format("waybill", "192.168.148", NULL, 0, false, &out);
	assert_string_equal(out.data, "table ip waybill {\n}\ndelete table ip waybill\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_ports_of_user_are_marked),
		cmocka_unit_test(test_the_last_one_cleans_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
