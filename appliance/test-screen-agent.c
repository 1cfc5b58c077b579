/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "appliance/screen-agent.h"

/* As `systemd-escape --template=waybill-vncagent@.service` has it. */
static void test_names_of_units(void **state)
{
	static const char *const table[][2] = {
		{ "askom", "waybill-vncagent@askom.service" },
		{ "web-1.0+x@b", "waybill-vncagent@web\\x2d1.0\\x2bx\\x40b.service" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_free_ char *unit = screen_systemd_unit(table[i][0]);
		assert_string_equal(unit, table[i][1]);
	}
}

/* Whatever the site wrote is a value, and no field of its own. */
static void test_configuration(void **state)
{
	struct settings settings = { .screen = { [SCREEN_MACHINE] = (char *)"kbh1.askom",
						 [SCREEN_PROXY] = (char *)"p:443\nAllow: x:22",
						 [SCREEN_IDENTITY] = (char *)"eA==" } };
	_cleanup_strbuf_ struct strbuf conf = STRBUF_INIT;
	screen_agent_format(&settings, "/i/a/key.pem", "/i/a/screen/vnc", &conf);
	assert_string_equal(conf.data, "Machine: kbh1.askom\nProxy: p:443\n Allow: x:22\n"
				       "Identity: /i/a/key.pem\nEndpoint: /i/a/screen/vnc\n");
	strbuf_reset(&conf);
	settings.screen[SCREEN_PROXY] = (char *)"p";
	settings.screen[SCREEN_PROXY_PIN] = (char *)"12";
	screen_agent_format(&settings, "/k", "/s", &conf);
	assert_string_equal(conf.data, "Machine: kbh1.askom\nProxy: p\nProxy-Pin: 12\n"
				       "Identity: /k\nEndpoint: /s\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_units),
		cmocka_unit_test(test_configuration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
