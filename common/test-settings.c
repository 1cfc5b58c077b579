/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/settings.h"

static struct appliance_conf *make_conf(void)
{
	static const char text[] =
		"Format: waybill-appliance 1\nAppliance: askom\nVersion: 1.0\n"
		"Architecture: amd64\nDisk: 4G\nMemory: 512M\nPorts: 8080:80\n"
		"Base-SHA256: "
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
		"Params:\n GREETING=hello\n API_KEY secret\n PLAIN\n";
	struct err err = ERR_INIT;
	struct appliance_conf *conf = NULL;
	assert_ok(appliance_conf_parse(text, strlen(text), "conf", &conf, &err));
	return conf;
}

static struct settings *merge(const char *params)
{
	struct err err = ERR_INIT;
	struct settings *settings = NULL;
	assert_ok(settings_merge(make_conf(), params, params ? strlen(params) : 0,
				 "params/askom", &settings, &err));
	return settings;
}

static void test_defaults_without_a_file(void **state)
{
	_cleanup_(settings_freep) struct settings *settings = merge(NULL);
	assert_int_equal(settings->param_count, 1);
	assert_string_equal(settings->params[0].name, "GREETING");
	assert_string_equal(settings->params[0].value, "hello");
	assert_int_equal(settings->conf->memory_bytes, 512u << 20);
}

static void test_site_sets_params_and_overrides(void **state)
{
	_cleanup_(settings_freep) struct settings *settings =
		merge("Ports: 8081:80\nMemory: 1G\nGREETING: hi, it's me\nAPI_KEY: x\n");
	assert_int_equal(settings->param_count, 2);
	assert_string_equal(settings->params[0].value, "hi, it's me");
	assert_true(settings->params[1].secret);
	assert_int_equal(settings->conf->memory_bytes, UINT64_C(1) << 30);
	assert_int_equal(settings->conf->port_count, 1);
	assert_int_equal(settings->conf->ports[0].host_port, 8081);
}

static void test_digest_follows_what_a_domain_depends_on(void **state)
{
	_cleanup_(settings_freep) struct settings *none = merge(NULL);
	_cleanup_(settings_freep) struct settings *same = merge("GREETING: hello\n");
	_cleanup_(settings_freep) struct settings *other = merge("GREETING: hallo\n");
	_cleanup_(settings_freep) struct settings *memory = merge("Memory: 1G\n");
	assert_string_equal(none->digest, same->digest);
	assert_string_not_equal(none->digest, other->digest);
	assert_string_not_equal(none->digest, memory->digest);
}

static void test_refuses(void **state)
{
	static const struct {
		const char *text, *words;
	} table[] = {
		{ "NOBODY: 1\n", "declares no parameter NOBODY" },
		{ "Boot: disk\n", "declares no parameter Boot" },
		{ "Network: none\n", "declares no parameter Network" },
		{ "GREETING: a\x02z\n", "\\x02" },
		{ "GREETING: a\x7fz\n", "\\x7f" },
		{ "Memory: 1\n", "Memory" },
		{ "Vcpus: 99\n", "Vcpus" },
		{ "Ports: 80:80,hostfwd=tcp::1-:2\n", "Ports" },
		{ "GREETING: a\nGREETING: b\n", "GREETING" },
		{ "no field\n", "params/askom" },
		{ "GREETING: cut", "params/askom" },
		{ "GREETING: a\n\nPLAIN: b\n", "params/askom" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct err err = ERR_INIT;
		struct settings *settings = NULL;
		int result =
			settings_merge(make_conf(), table[i].text, strlen(table[i].text),
				       "params/askom", &settings, &err);
		if (result == 0 || !strstr(err.msg, table[i].words))
			fail_msg("%s: %s", table[i].text, result ? err.msg : "accepted");
		assert_null(settings);
		err_clear(&err);
	}
}

static void test_refuses_oversized_value(void **state)
{
	struct err err = ERR_INIT;
	struct settings *settings = NULL;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	strbuf_adds(&text, "GREETING: ");
	for (int i = 0; i < 17 * 1024; i++)
		strbuf_addc(&text, 'x');
	strbuf_addc(&text, '\n');
	assert_fails(
		settings_merge(make_conf(), text.data, text.len, "p", &settings, &err),
		ERR_TOO_LARGE, "GREETING");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_without_a_file),
		cmocka_unit_test(test_site_sets_params_and_overrides),
		cmocka_unit_test(test_digest_follows_what_a_domain_depends_on),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_refuses_oversized_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
