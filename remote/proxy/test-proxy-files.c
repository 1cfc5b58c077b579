/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an operator writes: the proxy's configuration, machines, users. */
#include "common/test-lib.h"

#include <crypt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "remote/proxy/conf.h"
#include "remote/proxy/logins.h"
#include "remote/code-book.h"
#include "remote/proxy/machines.h"
#include "remote/proxy/users.h"

#define PIN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void assert_conf_fails(const char *text, const char *words)
{
	struct err err = ERR_INIT;
	struct proxy_conf *conf = NULL;
	assert_fails(proxy_conf_parse(text, strlen(text), "proxy.conf", &conf, &err), ERR_USAGE,
		     words);
	assert_null(conf);
}

static void test_conf(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(proxy_conf_freep) struct proxy_conf *defaults = NULL, *conf = NULL;
	const char *text = "Viewers: 192.0.2.1:5901\nTLS: [2001:db8::1]:8443\nShared: never\n"
			   "Trusted-Header: X-User\nTrusted-Source: 127.0.0.1\nOrigins: https://a https://b\n";
	assert_ok(proxy_conf_parse("", 0, "proxy.conf", &defaults, &err));
	assert_string_equal(defaults->viewers.host, "::");
	assert_int_equal(defaults->viewers.port, 5900);
	assert_int_equal(defaults->tls.port, 443);
	assert_int_equal(defaults->code_life_s, 60);
	assert_int_equal(defaults->shared, SHARED_AS_VIEWER);
	assert_null(defaults->trusted_header);
	assert_ok(proxy_conf_parse(text, strlen(text), "proxy.conf", &conf, &err));
	assert_string_equal(conf->tls.host, "2001:db8::1");
	assert_int_equal(conf->tls.port, 8443);
	assert_int_equal(conf->shared, SHARED_NEVER);
	assert_int_equal(conf->origins.count, 2);
	assert_string_equal(conf->trusted_source, "127.0.0.1");
}

static void test_conf_refused(void **state)
{
	assert_conf_fails("Viewer: 1.2.3.4:5900\n", "Viewer");
	assert_conf_fails("Viewers: example.org:5900\n", "no address");
	assert_conf_fails("Viewers: 1.2.3.4\n", "HOST:PORT");
	assert_conf_fails("TLS: 1.2.3.4:70000\n", "TLS");
	assert_conf_fails("Shared: perhaps\n", "Shared");
	assert_conf_fails("Code-Life: 1s\n", "Code-Life");
	assert_conf_fails("Login-Life: 1s\n", "Login-Life");
	assert_conf_fails("Max-Sessions: 0\n", "Max-Sessions");
	assert_conf_fails("Title: caf\xc3\xa9\n", "ASCII");
	assert_conf_fails("Trusted-Header: X-User\n", "go together");
	assert_conf_fails("Trusted-Header: X-User\nTrusted-Source: here\n", "no address");
}

static struct machine *parse_machine(const char *text, const char *name, struct err *err)
{
	struct machine *machine = NULL;
	return machine_parse(text, strlen(text), name, &machine, err) < 0 ? NULL : machine;
}

static void test_machine(void **state)
{
	struct err err = ERR_INIT;
	bool view_only;
	const char *text = "Machine: kbh1.askom\nKey: " PIN "\nUsers: anna bo\nWatchers: bo eva\n"
			   "Auditors: kim\nRecord: yes\nJob: 1_2\n";
	_cleanup_strbuf_ struct strbuf written = STRBUF_INIT;
	_cleanup_(machine_freep) struct machine *machine = parse_machine(text, "kbh1.askom", &err);
	assert_non_null(machine);
	assert_true(machine_allows(machine, "anna", &view_only));
	assert_false(view_only);
	assert_true(machine_allows(machine, "bo", &view_only));
	assert_false(view_only);
	assert_true(machine_allows(machine, "eva", &view_only));
	assert_true(view_only);
	assert_false(machine_allows(machine, "", &view_only));
	assert_false(machine_allows(machine, "an", &view_only));
	assert_true(machine->record);
	const struct code_grant use = { .user = "bo" }, look = { .user = "eva", .view_only = true },
				eva_uses = { .user = "eva" }, audit = { .user = "kim", .recording = "r" },
				anna_audits = { .user = "anna", .recording = "r" }, the_operator = { .user = NULL };
	assert_true(machine_grants(machine, &use));
	assert_true(machine_grants(machine, &look));
	assert_false(machine_grants(machine, &eva_uses));
	assert_true(machine_grants(machine, &audit));
	assert_false(machine_grants(machine, &anna_audits));
	assert_true(machine_grants(machine, &the_operator));
	machine_write(machine, &written);
	assert_string_equal(written.data, text);
}

static void test_machine_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} wrong[] = {
		{ "", "empty" },
		{ "Machine: kbh1.askom\n", "Key" },
		{ "Machine: other\nKey: " PIN "\n", "the file's name" },
		{ "Machine: kbh1.askom\nKey: 0123\n", "64 hexadecimal" },
		{ "Machine: kbh1.askom\nKey: X" PIN "\n", "64 hexadecimal" },
		{ "Machine: kbh1.askom\nKey: " PIN "\nUser: anna\n", "User" },
		{ "Machine: kbh1.askom\nKey: " PIN "\nRecord: maybe\n", "neither yes nor no" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct err err = ERR_INIT;
		struct machine *machine = NULL;
		assert_fails(machine_parse(wrong[i].text, strlen(wrong[i].text), "kbh1.askom",
					   &machine, &err),
			     ERR_USAGE, wrong[i].words);
	}
}

static void count(void *arg, const char *name)
{
	++*(int *)arg;
}

static void test_users(void **state)
{
	struct err err = ERR_INIT;
	char path[] = "/tmp/users.XXXXXX";
	int names = 0;
	_cleanup_free_ char *hash = NULL, *text = NULL;
	size_t len;
	close(mkstemp(path));
	assert_ok(users_hash("geheim12", &hash, &err));
	struct crypt_data data = { 0 };
	assert_string_equal(crypt_r("geheim12", hash, &data), hash);
	assert_ok(users_set(path, "anna", hash, &err));
	assert_ok(users_set(path, "ann", "$2b$x", &err));
	assert_ok(users_set(path, "anna", "$2b$y", &err));
	assert_ok(file_read(path, 1000, &text, &len, &err));
	assert_string_equal(text, "ann:$2b$x\nanna:$2b$y\n");
	assert_ok(users_each(path, count, &names, &err));
	assert_int_equal(names, 2);
	assert_ok(users_set(path, "ann", NULL, &err));
	assert_fails(users_set(path, "ann", NULL, &err), ERR_NOT_FOUND, "ann");
	unlink(path);
	_cleanup_free_ char *none = NULL;
	assert_fails(users_hash("", &none, &err), ERR_USAGE, "from 1");
	assert_fails(users_hash("1234567890123456789012345678901234567890"
				"123456789012345678901234567890123",
				&none, &err),
		     ERR_USAGE, "to 72");
	assert_false(user_name_is_valid(""));
	assert_false(user_name_is_valid("a:b"));
	assert_false(user_name_is_valid("a b"));
	assert_true(user_name_is_valid("anna@example.org"));
}

static void test_logins(void **state)
{
	_cleanup_(logins_freep) struct logins *logins = logins_new();
	char token[LOGIN_TOKEN_LEN + 1], other[LOGIN_TOKEN_LEN + 1];
	assert_null(logins_find(logins, "", 0));
	logins_add(logins, "anna", 1000, token);
	assert_int_equal(strlen(token), LOGIN_TOKEN_LEN);
	assert_string_equal(logins_find(logins, token, 999), "anna");
	assert_null(logins_find(logins, token, 1000));
	for (int i = 0; i < 1024; i++)
		logins_add(logins, "crowd", 2000, other);
	/* The one that ended first made room. */
	assert_null(logins_find(logins, token, 0));
	assert_string_equal(logins_find(logins, other, 0), "crowd");
	logins_remove(logins, other);
	assert_null(logins_find(logins, other, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf),	cmocka_unit_test(test_conf_refused),
		cmocka_unit_test(test_machine), cmocka_unit_test(test_machine_refused),
		cmocka_unit_test(test_users),	cmocka_unit_test(test_logins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
