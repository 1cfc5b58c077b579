/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/enrol.h"

#include "common/atomic-file.h"
#include "common/test-lib.h"
#include "pkgmgr/clock.h"
#include "pkgmgr/facts.h"

static void set_site(const char *before, const char *after)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	enrol_conf_set_site(before, "kbh1", &out);
	assert_string_equal(out.data, after);
}

static void test_site_goes_into_the_conf(void **state)
{
	set_site("Server: a@b\n# a comment\nPort: 22\n",
		 "Site: kbh1\nServer: a@b\n# a comment\nPort: 22\n");
	set_site("Server: a@b\nsite : old\nSite-Other: x\n",
		 "Site: kbh1\nServer: a@b\nSite-Other: x\n");
	set_site("", "Site: kbh1\n");
}

static void test_spans(void **state)
{
	static const struct {
		int64_t seconds;
		const char *says;
	} spans[] = { { 301, "5 minutes" },	      { 7300, "2 hours" },
		      { 15 * 86400, "15 days" },      { 14LL * 365 * 86400, "14 years" },
		      { 3600, "60 minutes" },	      { 1, "1 second" },
		      { 400LL * 86400, "400 days" } };
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		_cleanup_free_ char *span = clock_span(spans[i].seconds);
		assert_string_equal(span, spans[i].says);
	}
}

static void put(const struct root *root, const char *name, const char *text)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *path = root_path(root, "%s", name);
	_cleanup_free_ char *dir = xstrdup(path);
	*strrchr(dir, '/') = '\0';
	assert_ok(make_dirs(dir, 0755, &err));
	assert_ok(atomic_file_write(path, text, strlen(text), 0644, &err));
}

static void test_facts(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *dir = test_tmpdir();
	struct root root;
	struct enrol_facts facts;
	assert_ok(root_init(&root, dir, &err));
	facts_read(&root, &facts); /* nothing there is no error */
	assert_null(facts.serial);
	assert_int_equal(facts.macs.count, 0);
	enrol_facts_destroy(&facts);
	put(&root, "sys/class/dmi/id/product_serial", "  SN 1 \n");
	put(&root, "sys/class/dmi/id/product_name", "Box\x1b[2J\n");
	put(&root, "sys/class/net/eth0/address", "52:54:00:00:00:01\n");
	put(&root, "sys/class/net/eth0/device/x", "");
	put(&root, "sys/class/net/lo/address", "00:00:00:00:00:00\n");
	put(&root, "sys/block/sda/size", "8\n");
	put(&root, "sys/block/sda/device/x", "");
	put(&root, "etc/os-release", "NAME=x\nPRETTY_NAME=\"Debian 13\"\n");
	facts_read(&root, &facts);
	assert_string_equal(facts.serial, "SN 1");
	assert_string_equal(facts.product, "Box?[2J");
	assert_int_equal(facts.macs.count, 1);
	assert_string_equal(facts.macs.items[0], "52:54:00:00:00:01");
	assert_string_equal(facts.disks.items[0], "sda 4096");
	assert_string_equal(facts.release, "Debian 13");
	enrol_facts_destroy(&facts);
	assert_ok(remove_tree(dir, &err));
	root_destroy(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_site_goes_into_the_conf),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_facts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
