/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/pkgmgr-conf.h"

static const char good[] = "Site: kbh1\nServer: imagerepo@hq.example.org\nPort: 2222\n"
			   "Fetch-User: nobody\nOrigin: Ours\nTimeout: 2m\n"
			   "Ssh-Key: /etc/key\nKnown-Hosts: etc/hosts\n";

static struct root root;

static int setup(void **state)
{
	struct err err = ERR_INIT;
	return root_init(&root, "/tmp", &err);
}

static int teardown(void **state)
{
	root_destroy(&root);
	return 0;
}

static void test_all_fields(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(pkgmgr_conf_freep) struct pkgmgr_conf *conf = NULL;
	assert_ok(pkgmgr_conf_parse(&root, good, strlen(good), &conf, &err));
	assert_string_equal(conf->site, "kbh1");
	assert_string_equal(conf->server, "imagerepo@hq.example.org");
	assert_int_equal(conf->port, 2222);
	assert_string_equal(conf->fetch_user, "nobody");
	assert_string_equal(conf->origin, "Ours");
	assert_int_equal(conf->timeout_s, 120);
	assert_string_equal(conf->ssh_key, "/tmp/etc/key");
	assert_string_equal(conf->known_hosts, "/tmp/etc/hosts");
}

static void test_defaults(void **state)
{
	static const char text[] = "Site: kbh1\nServer: a@b\n";
	struct err err = ERR_INIT;
	_cleanup_(pkgmgr_conf_freep) struct pkgmgr_conf *conf = NULL;
	assert_ok(pkgmgr_conf_parse(&root, text, strlen(text), &conf, &err));
	assert_int_equal(conf->port, 22);
	assert_string_equal(conf->fetch_user, "_waybill");
	assert_string_equal(conf->origin, "Waybill");
	assert_int_equal(conf->timeout_s, 60);
	assert_string_equal(conf->reboot_command, "");
	assert_string_equal(conf->ssh_key, "/tmp/etc/waybill/ssh/id_ed25519");
	assert_true(conf->set_clock);
}

static void test_not_enrolled(void **state)
{
	static const char text[] = "Server: a@b\nSet-Clock: no\n";
	struct err err = ERR_INIT;
	_cleanup_(pkgmgr_conf_freep) struct pkgmgr_conf *conf = NULL;
	assert_ok(pkgmgr_conf_parse(&root, text, strlen(text), &conf, &err));
	assert_null(conf->site);
	assert_false(conf->set_clock);
}

static const char *const bad[] = {
	"",
	"Site: kbh1\n",
	"Site: kbh1\nServer: a@b\nSet-Clock: maybe\n",
	"Site: Kbh 1\nServer: a@b\n",
	"Site: kbh1\nServer: b\n",
	"Site: kbh1\nServer: -oProxyCommand=x@b\n",
	"Site: kbh1\nServer: a@-oProxyCommand=x\n",
	"Site: kbh1\nServer: a@b;rm\n",
	"Site: kbh1\nServer: a@b c\n",
	"Site: kbh1\nServer: a@b:/etc\n",
	"Site: kbh1\nServer: a@b@c\n",
	"Site: kbh1\nServer: @b\n",
	"Site: kbh1\nServer: a@\n",
	"Site: kbh1\nServer: a@b\nPort: 0\n",
	"Site: kbh1\nServer: a@b\nPort: 65536\n",
	"Site: kbh1\nServer: a@b\nPort: ssh\n",
	"Site: kbh1\nServer: a@b\nTimeout: 0s\n",
	"Site: kbh1\nServer: a@b\nTimeout: 2h\n",
	"Site: kbh1\nServer: a@b\nFetch-User: ../x\n",
	"Site: kbh1\nServer: a@b\nFetch-User: -x\n",
	"Site: kbh1\nServer: a@b\nSsh-Key: /etc/my key\n",
	"Site: kbh1\nServer: a@b\nKnown-Hosts: /etc/\"x\"\n",
	"Site: kbh1\nServer: a@b\nReboot-Command: shutdown -r now\n",
	"Site: kbh1\nServer: a@b\nTypo: x\n",
	"Site: kbh1\nSite: kbh2\nServer: a@b\n",
	"Site: kbh1\nServer: a@b\n\nSite: kbh2\nServer: a@b\n",
	"Site: kbh1\nServer: a@b",
};

/* Each is a wrong configuration: exit 2, and says which file. */
static void test_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct pkgmgr_conf *conf = NULL;
		if (pkgmgr_conf_parse(&root, bad[i], strlen(bad[i]), &conf, &err) == 0)
			fail_msg("case %zu was taken: %s", i, bad[i]);
		assert_null(conf);
		assert_int_equal(err.code, ERR_USAGE);
		if (!strstr(err.msg, PKGMGR_CONF))
			fail_msg("case %zu: '%s' does not name the file", i, err.msg);
		err_clear(&err);
	}
}

static void test_bit_flips_and_cuts(void **state)
{
	size_t len = strlen(good);
	for (size_t i = 0; i < len * 9; i++) {
		struct err err = ERR_INIT;
		_cleanup_(pkgmgr_conf_freep) struct pkgmgr_conf *conf = NULL;
		_cleanup_free_ char *mutant = xstrndup(good, len);
		size_t size = i % 9 == 8 ? i / 9 : len;
		if (i % 9 < 8)
			mutant[i / 9] = (char)(mutant[i / 9] ^ (1 << (i % 9)));
		if (pkgmgr_conf_parse(&root, mutant, size, &conf, &err) == 0)
			assert_non_null(strchr(conf->server, '@'));
		err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_fields),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_not_enrolled), cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bit_flips_and_cuts),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
