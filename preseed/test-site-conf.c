/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "preseed/site-conf.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJoX6r5dkJmEqfbkh2gTyo0z1mVQXH3fC9U1NwV8kqTm anna"
#define STATIC "Network: static\nAddress: 192.0.2.10/24\nGateway: 192.0.2.1\nDns: 192.0.2.53\n"

static struct site_conf *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct site_conf *conf = NULL;
	assert_ok(site_conf_parse(text, strlen(text), "kbh1.conf", &conf, &err));
	return conf;
}

static void test_nothing_said(void **state)
{
	_cleanup_(site_conf_freep) struct site_conf *conf = parse("");
	assert_string_equal(conf->disk.items[0], "only");
	assert_int_equal(conf->disk_minimum_bytes, UINT64_C(8) << 30);
	assert_int_equal(conf->network, NETWORK_DHCP);
	assert_string_equal(conf->interface, "auto");
	assert_string_equal(conf->time_zone, "Etc/UTC");
	assert_string_equal(conf->hypervisor, "kvm");
	assert_null(conf->password);
	assert_null(conf->mirror);
	assert_null(conf->proxy);
}

static void test_everything_said(void **state)
{
	_cleanup_(site_conf_freep) struct site_conf *conf = parse(
		STATIC "Disk: /dev/sda /dev/nvme0n1\nRaid: 1\nDisk-Minimum: 100G\n"
		"Interface: eno1\nVlan: 12\nDomain: example.org\nProxy: none\n"
		"Mirror: http://mirror.example.org:3142/debian\n"
		"Security-Mirror: http://mirror.example.org/debian-security\n"
		"Time-Zone: Europe/Copenhagen\nLocale: da_DK.UTF-8\nKeyboard: dk\n"
		"Admin-Ssh-Keys:\n " KEY "\n " KEY "\nHypervisor: xen\nDrivers: dep\n"
		"Password-Crypted: $y$j9T$abcdefgh$ijklmnopqrstuvwxyz\n"
		"Kernel: linux-image-cloud-amd64\nKernel-Args: console=ttyS0,115200\n"
		"Packages: vim-tiny, htop\n");
	assert_true(conf->raid1);
	assert_int_equal(conf->disk.count, 2);
	assert_string_equal(conf->netmask, "255.255.255.0");
	assert_string_equal(conf->address, "192.0.2.10");
	assert_int_equal(conf->vlan, 12);
	assert_int_equal(conf->ssh_keys.count, 2);
	assert_int_equal(conf->packages.count, 2);
	assert_string_equal(conf->proxy, "");
}

/* What an operator wrote, and what the message about it must contain. */
static const struct {
	const char *text, *message;
} wrong[] = {
	{ "Disks: only\n", "Disks" },
	{ "Password: secret\n", "plaintext" },
	{ "Root-Password: secret\n", "plaintext" },
	{ "Password-Crypted: secret\n", "mkpasswd" },
	{ "Password-Crypted: $6$x\n", "torn" },
	{ "Disk: sda\n", "/dev/..." },
	{ "Disk: /dev/../etc/passwd\n", "/dev/..." },
	{ "Disk: smallest largest\n", "/dev/..." },
	{ "Disk: /dev/sda /dev/sdb\n", "Raid: 1" },
	{ "Disk: /dev/sda\nRaid: 1\n", "two disks" },
	{ "Disk: smallest\nRaid: 1\n", "two disks" },
	{ "Disk: /dev/sda /dev/sda\nRaid: 1\n", "twice" },
	{ "Raid: 5\n", "neither none nor 1" },
	{ "Disk-Minimum: 1G\n", "4G" },
	{ "Disk-Minimum: much\n", "Disk-Minimum" },
	{ "Network: none\n", "neither dhcp nor static" },
	{ "Network: wifi\n", "neither dhcp nor static" },
	{ "Network: static\n", "Address: is missing" },
	{ "Address: 192.0.2.10/24\n", "need Network: static" },
	{ "Network: static\nAddress: 192.0.2.10\n", "prefix length" },
	{ "Network: static\nAddress: 192.0.2.0/24\nDns: 192.0.2.1\n", "broadcast" },
	{ "Network: static\nAddress: 192.0.2.300/24\n", "no IPv4 address" },
	{ "Network: static\nAddress: 192.0.2.10/24\nGateway: 192.0.2.1\n", "Dns" },
	{ "Network: static\nAddress: 192.0.2.10/24\nDns: 192.0.2.1\n", "Gateway" },
	{ "Network: static\nAddress: 192.0.2.10/24\nGateway: 198.51.100.1\n"
	  "Dns: 192.0.2.1\n", "not in the network" },
	{ "Network: static\nAddress: 192.0.2.10/24\nGateway: 192.0.2.10\n"
	  "Dns: 192.0.2.1\n", "own Address" },
	{ "Vlan: 12\n", "Interface: to name" },
	{ "Vlan: 4095\nInterface: eno1\n", "Vlan" },
	{ "Interface: eth 0\n", "network card" },
	{ "Mirror: ftp://mirror.example.org/debian\n", "http://" },
	{ "Mirror: http://me:secret@mirror.example.org/debian\n", "plain text" },
	{ "Proxy: proxy.example.org:3128\n", "http://" },
	{ "Time-Zone: Copenhagen\n", "Time-Zone" },
	{ "Time-Zone: Etc/../../passwd\n", "Time-Zone" },
	{ "Locale: danish\n", "da_DK.UTF-8" },
	{ "Keyboard: US\n", "keymap" },
	{ "Admin-Ssh-Keys: anna\n", "public key" },
	{ "Admin-Ssh-Keys:\n -----BEGIN OPENSSH PRIVATE KEY-----\n", "private key" },
	{ "Hypervisor: vmware\n", "kvm, xen, none" },
	{ "Drivers: all\n", "most, dep" },
	{ "Kernel: vmlinuz\n", "linux-image-" },
	{ "Kernel-Args: $(reboot)\n", "Kernel-Args" },
	{ "Packages: Vim\n", "name of a package" },
	{ "Domain: .example\n", "DNS domain" },
};

static void test_wrong_values_say_what_to_mend(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct err err = ERR_INIT;
		struct site_conf *conf;
		int result = site_conf_parse(wrong[i].text, strlen(wrong[i].text), "kbh1.conf",
					     &conf, &err);
		if (result == 0)
			fail_msg("taken: %s", wrong[i].text);
		assert_null(conf);
		if (!strstr(err.msg, wrong[i].message) || !strstr(err.msg, "kbh1.conf"))
			fail_msg("'%s': '%s' lacks '%s'", wrong[i].text, err.msg,
				 wrong[i].message);
		assert_true(err_exit_code(&err) == EXIT_FAILED ||
			    err_exit_code(&err) == EXIT_USAGE);
		assert_null(strstr(err.msg, "secret@"));
		err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_said),
		cmocka_unit_test(test_everything_said),
		cmocka_unit_test(test_wrong_values_say_what_to_mend),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
