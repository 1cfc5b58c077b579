/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/strbuf.h"
#include "hostconfig/generate.h"

static const char good[] =
	"Address: 10.1.2.254/24\nDhcp-Range: 10.1.2.200-10.1.2.210\nLan-Interface: eth1 enp3s0\n"
	"Dns: 192.0.2.1 fd00::1\nBoot-Server: access\nBoot-File: ltsp/bios.0\n"
	"Boot-File-Efi: ltsp/efi\nSsh-From: 10.0.0.0/8 fd00::/8\nHelp-Interface: tun0\n";

static char root_dir[] = "/tmp/r", root_id[] = "12345678";
static const struct root root = { root_dir, root_id };

static struct params *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct params *params = NULL;
	assert_ok(params_parse(text, strlen(text), "x.conf", &params, &err));
	return params;
}

static void test_defaults(void **state)
{
	_cleanup_(params_freep) struct params *params = parse("");
	assert_string_equal(params->address, "192.168.147.1");
	assert_string_equal(params->prefix, "192.168.147");
	assert_string_equal(params->dhcp_first, "192.168.147.100");
	assert_string_equal(params->dhcp_last, "192.168.147.120");
	assert_int_equal(params->ssh_from.count, 0);
	assert_null(params->boot_server);
	/* The range follows the address. */
	_cleanup_(params_freep) struct params *other = parse("Address: 10.1.2.1/24\n");
	assert_string_equal(other->dhcp_last, "10.1.2.120");
}

static void assert_has(const struct strbuf *text, const char *line)
{
	if (!strstr(text->data, line))
		fail_msg("'%s' is not in:\n%s", line, text->data);
}

static void test_made(void **state)
{
	_cleanup_(params_freep) struct params *params = parse(good);
	_cleanup_strbuf_ struct strbuf nft = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf dnsmasq = STRBUF_INIT;
	struct policy policy = { .ssh_from = params->ssh_from };
	strv_add(&policy.serve_to, "192.168.7.0/24");
	generate_nft(params, "/etc/waybill/nftables.conf", &policy, &nft);
	assert_has(&nft, "define lan_network = 10.1.2.0/24\n");
	assert_has(&nft, "include \"/etc/waybill/nftables.conf\"\n");
	assert_has(&nft, "ssh_from { 10.0.0.0/8 }\n");
	assert_has(&nft, "ssh_from6 { fd00::/8 }\n");
	assert_has(&nft, "serve_to { 192.168.7.0/24 }\n");
	strv_destroy(&policy.serve_to);
	assert_has(&nft, "help_interfaces { \"tun0\" }\n");
	generate_dnsmasq(params, &root, "10.1.2.11", &dnsmasq);
	assert_has(&dnsmasq, "interface=wb0\n");
	assert_has(&dnsmasq, "dhcp-range=10.1.2.200,10.1.2.210,255.255.255.0,12h\n");
	assert_has(&dnsmasq, "dhcp-hostsdir=/tmp/r/var/lib/waybill/dhcp-hosts\n");
	assert_has(&dnsmasq, "no-resolv\nserver=192.0.2.1\nserver=fd00::1\n");
	assert_has(&dnsmasq, "dhcp-boot=tag:efi,ltsp/efi,,10.1.2.11\n");
	assert_has(&dnsmasq, "dhcp-boot=tag:!efi,ltsp/bios.0,,10.1.2.11\n");
	assert_has(&dnsmasq, "conf-file=/tmp/r/etc/waybill/dnsmasq.conf\n");
	strbuf_reset(&dnsmasq);
	_cleanup_(params_freep) struct params *plain = parse("");
	generate_dnsmasq(plain, &root, NULL, &dnsmasq);
	assert_null(strstr(dnsmasq.data, "dhcp-boot"));
	assert_null(strstr(dnsmasq.data, "no-resolv"));
}

/* What is wrong, and a word of the message. */
static const char *const bad[][2] = {
	{ "Address: 192.168.147.1\n", "Address" },
	{ "Address: 192.168.147.1/16\n", "Address" },
	{ "Address: 192.168.147.0/24\n", "Address" },
	{ "Address: 192.168.147.255/24\n", "Address" },
	{ "Address: 192.168.147.10/24\n", "instances" },
	{ "Address: 192.168.147/24\n", "Address" },
	{ "Address: fd00::1/24\n", "Address" },
	{ "Dhcp-Range: 192.168.147.100\n", "Dhcp-Range" },
	{ "Dhcp-Range: 192.168.147.120-192.168.147.100\n", "no range" },
	{ "Dhcp-Range: 192.168.148.100-192.168.148.120\n", "192.168.147.100" },
	{ "Dhcp-Range: 192.168.147.50-192.168.147.120\n", "instances" },
	{ "Dhcp-Range: 192.168.147.1-192.168.147.9\n", "own address" },
	{ "Dhcp-Range: 192.168.147.100-192.168.147.255\n", "no range" },
	{ "Lan-Interface: wb0\n", "Lan-Interface" },
	{ "Lan-Interface: lo\n", "Lan-Interface" },
	{ "Lan-Interface: averyverylongname\n", "Lan-Interface" },
	{ "Lan-Interface: eth1;reboot\n", "Lan-Interface" },
	{ "Lan-Interface: -x\n", "Lan-Interface" },
	{ "Dns: resolver.example\n", "Dns" },
	{ "Boot-Server: 192.168.147\n", "Boot-Server" },
	{ "Boot-Server: Access\n", "Boot-Server" },
	{ "Boot-Server: access,evil\n", "Boot-Server" },
	{ "Boot-File: a,b\n", "Boot-File" },
	{ "Boot-File: a b\n", "Boot-File" },
	{ "Boot-File-Efi: a\n b\n", "Boot-File-Efi" },
	{ "Ssh-From: yes\n", "Ssh-From" },
	{ "Ssh-From: 10.0.0.1/8\n", "Ssh-From" },
	{ "Help-Interface: tun0 tun1\n", "Help-Interface" },
	{ "Help-Interface: t\"0\n", "Help-Interface" },
	{ "Lan-Card: wb0\n", "Lan-Card" },
	{ "Dns: 192.0.2.1\nDns: 192.0.2.2\n", "Dns" },
	{ "Dns: 192.0.2.1\n\nDns: 192.0.2.2\n", "x.conf" },
	{ "Dns: 192.0.2.1", "x.conf" },
};

static void test_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct params *params = NULL;
		const char *text = bad[i][0];
		if (params_parse(text, strlen(text), "x.conf", &params, &err) == 0)
			fail_msg("case %zu was taken: %s", i, text);
		assert_null(params);
		assert_int_equal(err.code, ERR_USAGE);
		if (!strstr(err.msg, "x.conf") || !strstr(err.msg, bad[i][1]))
			fail_msg("case %zu: '%s'", i, err.msg);
		err_clear(&err);
	}
}

/* Whatever is taken can be given to nft and dnsmasq: no quote, comma or brace gets in. */
static void test_bit_flips_and_cuts(void **state)
{
	size_t len = strlen(good);
	for (size_t i = 0; i < len * 9; i++) {
		struct err err = ERR_INIT;
		_cleanup_(params_freep) struct params *params = NULL;
		_cleanup_free_ char *mutant = xstrndup(good, len);
		size_t size = i % 9 == 8 ? i / 9 : len;
		if (i % 9 < 8)
			mutant[i / 9] = (char)(mutant[i / 9] ^ (1 << (i % 9)));
		if (params_parse(mutant, size, "x.conf", &params, &err) == 0) {
			assert_null(strpbrk(params->boot_file, ", \"\n#{"));
			if (params->help_interface)
				assert_null(strpbrk(params->help_interface, ", \"\n#{"));
		}
		err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bit_flips_and_cuts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
