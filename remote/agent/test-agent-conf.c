/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "remote/agent/conf.h"

static int parse(const char *lines, struct agent_conf **out, struct err *err)
{
	_cleanup_free_ char *text = xasprintf("Machine: kbh1.askom\nProxy: proxy.example\n%s", lines);
	return agent_conf_parse(text, strlen(text), "vncagent.conf", out, err);
}

static void refuse(const char *lines, const char *word)
{
	_cleanup_(agent_conf_freep) struct agent_conf *conf = NULL;
	_cleanup_err_ struct err err = ERR_INIT;
	assert_int_equal(parse(lines, &conf, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, word))
		fail_msg("%s: %s", lines, err.msg);
	assert_null(conf);
}

/* What the proxy may ask for is what is written there, and nothing near it. */
static void test_only_what_is_listed(void **state)
{
	_cleanup_(agent_conf_freep) struct agent_conf *conf = NULL;
	struct err err = ERR_INIT;
	assert_ok(parse("Endpoint: 127.0.0.1:5901\nAllow: localhost:22\n", &conf, &err));
	assert_ptr_equal(agent_conf_endpoint(conf, "", 0), &conf->endpoints[0]);
	assert_ptr_equal(agent_conf_endpoint(conf, "127.0.0.1", 5901), &conf->endpoints[0]);
	assert_ptr_equal(agent_conf_endpoint(conf, "localhost", 22), &conf->endpoints[1]);
	assert_null(agent_conf_endpoint(conf, "127.0.0.1", 22));
	assert_null(agent_conf_endpoint(conf, "localhost", 5901));
	assert_null(agent_conf_endpoint(conf, "/run/vnc", 0));
}

static void test_a_socket(void **state)
{
	_cleanup_(agent_conf_freep) struct agent_conf *conf = NULL;
	struct err err = ERR_INIT;
	assert_ok(parse("Endpoint: /run/askom/vnc\n", &conf, &err));
	assert_int_equal(conf->endpoint_count, 1);
	assert_string_equal(agent_conf_endpoint(conf, "", 0)->host, "/run/askom/vnc");
	assert_null(agent_conf_endpoint(conf, "/run/other/vnc", 0));
	assert_null(agent_conf_endpoint(conf, "/run/askom/vnc", 5900));
	assert_null(agent_conf_endpoint(conf, "127.0.0.1", 5900));
}

static void test_what_is_wrong_is_refused(void **state)
{
	char path[200] = "Endpoint: /";
	memset(path + strlen(path), 'a', 150);
	strcat(path, "\n");
	refuse(path, "at most 107 bytes");
	refuse("Endpoint: run/vnc\n", "Endpoint");
	refuse("Endpoint: 127.0.0.1\n", "Endpoint");
	refuse("Allow: /run/askom/vnc\n", "Allow");
	refuse("Proxy-Pin: 12\n", "Proxy-Pin");
	refuse("Colour: red\n", "Colour");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_is_listed),
		cmocka_unit_test(test_a_socket),
		cmocka_unit_test(test_what_is_wrong_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
