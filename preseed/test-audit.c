/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/strbuf.h"
#include "preseed/audit.h"
#include "preseed/grub-cfg.h"

static void test_what_must_not_be_there(void **state)
{
	static const char *const wrong[] = {
		"d-i passwd/root-password password secret\n",
		"d-i passwd/user-password-again password secret\n",
		"d-i debian-installer/allow_unauthenticated boolean true\n",
		"d-i apt-setup/local0/key string http://pkg.example.org/key.asc\n",
		"d-i\tapt-setup/local1/key\tstring\thttps://pkg.example.org/key.asc\n",
		"  d-i preseed/url string http://hq.example.org/preseed.cfg\n",
		"d-i preseed/include string more.cfg\n",
		"d-i network-console/password password x\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct err err = ERR_INIT;
		_cleanup_free_ char *text = xasprintf("# a comment\n\n%s", wrong[i]);
		assert_fails(audit_preseed(text, &err), ERR_REFUSED, "line 3");
	}
}

static void test_what_may(void **state)
{
	struct err err = ERR_INIT;
	assert_ok(audit_preseed("# d-i passwd/root-password password secret\n"
				"d-i passwd/root-password-crypted password $6$x\n"
				"d-i debian-installer/allow_unauthenticated boolean false\n"
				"d-i apt-setup/local0/key string base64://AAAA\n"
				"d-i passwd/root-password password\n", &err));
}

static void test_the_menu(void **state)
{
	_cleanup_strbuf_ struct strbuf quiet = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf serial = STRBUF_INIT;
	grub_cfg_menu("kbh1", "0123456789abcdef", "", &quiet);
	assert_null(strstr(quiet.data, "serial"));
	assert_non_null(strstr(quiet.data, "/boot/waybill-installed-0123456789abcdef"));
	assert_non_null(strstr(quiet.data, "waybill.id=0123456789abcdef"));
	grub_cfg_menu("kbh1", "0123456789abcdef", "quiet console=ttyS1,115200n8", &serial);
	assert_non_null(strstr(serial.data, "serial --unit=1 --speed=115200\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_must_not_be_there),
		cmocka_unit_test(test_what_may),
		cmocka_unit_test(test_the_menu),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
