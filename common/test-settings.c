/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/settings.h"

static struct appliance_conf *make_conf_with(const char *lines)
{
	static const char always[] =
		"Format: waybill-appliance 1\nAppliance: askom\nVersion: 1.0\n"
		"Architecture: amd64\nDisk: 4G\nMemory: 512M\nPorts: 8080:80\n"
		"Base-SHA256: "
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
		"Params:\n GREETING=hello\n API_KEY secret\n PLAIN\n";
	struct err err = ERR_INIT;
	struct appliance_conf *conf = NULL;
	_cleanup_free_ char *text = xasprintf("%s%s", always, lines);
	assert_ok(appliance_conf_parse(text, strlen(text), "conf", &conf, &err));
	return conf;
}

static struct appliance_conf *make_conf(void)
{
	return make_conf_with("");
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

/* A screen with a proxy behind which it can be reached. */
static struct settings *merge_screen(const char *params)
{
	struct err err = ERR_INIT;
	struct settings *settings = NULL;
	assert_ok(settings_merge(make_conf_with(" PROXY=proxy.example\nGraphics: vnc\n"), params,
				 strlen(params), "params/askom", &settings, &err));
	return settings;
}

static void test_what_the_screen_needs_is_not_the_guests(void **state)
{
	_cleanup_(settings_freep) struct settings *s =
		merge_screen("MACHINE: kbh1.askom\nIDENTITY: aGVq\nGREETING: x\n");
	assert_true(settings_has_screen_agent(s));
	assert_string_equal(s->screen[SCREEN_MACHINE], "kbh1.askom");
	assert_string_equal(s->screen[SCREEN_PROXY], "proxy.example");
	assert_null(s->screen[SCREEN_PROXY_PIN]);
	assert_int_equal(s->param_count, 1);
	assert_string_equal(s->params[0].name, "GREETING");
}

/* Another identity is no other guest; a first one, or none any more, is. */
static void test_the_screen_in_the_digest(void **state)
{
	_cleanup_(settings_freep) struct settings *none = merge_screen("");
	_cleanup_(settings_freep) struct settings *half = merge_screen("MACHINE: a1\n");
	_cleanup_(settings_freep) struct settings *one = merge_screen("MACHINE: a1\nIDENTITY: eA==\n");
	_cleanup_(settings_freep) struct settings *other =
		merge_screen("MACHINE: b1\nIDENTITY: eQ==\nPROXY: p\n");
	assert_false(settings_has_screen_agent(none));
	assert_false(settings_has_screen_agent(half));
	assert_string_equal(none->digest, half->digest);
	assert_string_equal(one->digest, other->digest);
	assert_string_not_equal(none->digest, one->digest);
	settings_drop_screen_agent(one);
	assert_false(settings_has_screen_agent(one));
	assert_string_equal(none->digest, one->digest);
}

static void test_refuses(void **state)
{
	static const struct {
		const char *text, *words;
	} table[] = {
		{ "NOBODY: 1\n", "declares no parameter NOBODY" },
		{ "MACHINE: kbh1.askom\n", "declares no parameter MACHINE" },
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
		cmocka_unit_test(test_what_the_screen_needs_is_not_the_guests),
		cmocka_unit_test(test_the_screen_in_the_digest),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_refuses_oversized_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
