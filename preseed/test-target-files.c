/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "preseed/target-files.h"

#define MIRRORS                                                                                  \
	"Mirror: http://m.example.org/debian\n"                                                  \
	"Security-Mirror: http://s.example.org/debian-security\n"

/* What of the name is written for this site's file, or NULL if it is not. */
static char *written(const char *text, const char *name)
{
	struct err err = ERR_INIT;
	_cleanup_(site_conf_freep) struct site_conf *conf = NULL;
	_cleanup_(seed_archive_freep) struct seed_archive *seed = seed_archive_new();
	_cleanup_strbuf_ struct strbuf gz = STRBUF_INIT;
	_cleanup_free_ char *path = xasprintf("waybill/target/%s", name);
	char *data = NULL;
	size_t len;
	assert_ok(site_conf_parse(text, strlen(text), "kbh1.conf", &conf, &err));
	target_files_add(seed, conf, "kbh1");
	assert_ok(seed_archive_write(seed, &gz, &err));
	if (seed_archive_get(gz.data, gz.len, path, &data, &len, &err) < 0)
		err_clear(&err);
	return data;
}

static void check(const char *text, const char *name, const char *want)
{
	_cleanup_free_ char *got = written(text, name);
	if (!want) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	if (!strstr(got, want))
		fail_msg("%s: '%s' lacks '%s'", name, got, want);
}

static void test_names(void **state)
{
	const char *with = MIRRORS "Proxy: none\nDomain: example.org\n";
	check(with, "hostname", "kbh1\n");
	check(with, "hosts", "127.0.1.1\tkbh1.example.org kbh1\n");
	check(MIRRORS "Proxy: none\n", "hosts", "127.0.1.1\tkbh1\n");
}

static void test_network(void **state)
{
	const char *dhcp = MIRRORS "Proxy: none\n";
	const char *named = MIRRORS "Proxy: none\nInterface: eno1\n";
	const char *tagged = MIRRORS "Proxy: none\nInterface: eno1\nVlan: 12\n";
	const char *fixed = MIRRORS "Proxy: none\nNetwork: static\nAddress: 192.0.2.10/24\n"
				    "Gateway: 192.0.2.1\nDns: 192.0.2.53 192.0.2.54\n";
	check(dhcp, "interfaces", "\nauto /e*=wired\niface wired inet dhcp\n");
	check(dhcp, "networking.conf", "After=systemd-udev-settle.service\n");
	check(dhcp, "resolv.conf", NULL);
	check(named, "interfaces", "\nallow-hotplug eno1\niface eno1 inet dhcp\n");
	check(named, "networking.conf", NULL);
	check(tagged, "interfaces", "\nauto eno1.12\niface eno1.12 inet dhcp\n");
	check(tagged, "networking.conf", "After=systemd-udev-settle.service\n");
	check(fixed, "interfaces", "\nauto /e*/1=wired\niface wired inet static\n"
				   "\taddress 192.0.2.10\n\tnetmask 255.255.255.0\n"
				   "\tgateway 192.0.2.1\n");
	check(fixed, "resolv.conf", "nameserver 192.0.2.53\nnameserver 192.0.2.54\n");
}

static void test_apt(void **state)
{
	check(MIRRORS "Proxy: none\n", "sources.list",
	      "deb http://m.example.org/debian trixie main non-free-firmware\n"
	      "deb http://m.example.org/debian trixie-updates main non-free-firmware\n"
	      "deb http://s.example.org/debian-security trixie-security main non-free-firmware\n");
	check(MIRRORS "Proxy: none\n", "apt.conf", NULL);
	check(MIRRORS "Proxy: http://proxy.example.org:3128\n", "apt.conf",
	      "Acquire::http::Proxy \"http://proxy.example.org:3128\";\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_apt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
