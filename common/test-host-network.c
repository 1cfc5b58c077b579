/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/atomic-file.h"
#include "common/dhcp-hosts.h"
#include "common/host-network.h"
#include "common/network-list.h"

static struct root root;

static int setup(void **state)
{
	char dir[] = "/tmp/waybill-test-XXXXXX";
	struct err err = ERR_INIT;
	if (!mkdtemp(dir) || root_init(&root, dir, &err) < 0)
		return -1;
	_cleanup_free_ char *run = root_path(&root, "run/waybill");
	return make_dirs(run, 0755, &err);
}

static int teardown(void **state)
{
	struct err err = ERR_INIT;
	int result = remove_tree(root.dir, &err);
	root_destroy(&root);
	return result;
}

static void put(const char *path, const char *text)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *full = root_path(&root, "%s", path);
	assert_ok(atomic_file_write(full, text, strlen(text), 0644, &err));
}

static void test_host_network(void **state)
{
	struct err err = ERR_INIT;
	struct host_network out = { .prefix = "10.1.2" };
	_cleanup_(host_network_freep) struct host_network *in = NULL;
	assert_ok(host_network_read(&root, &in, &err));
	assert_null(in);
	strv_add(&out.lan_interfaces, "eth1");
	assert_ok(host_network_write(&root, &out, &err));
	assert_ok(host_network_read(&root, &in, &err));
	assert_string_equal(in->prefix, "10.1.2");
	assert_int_equal(in->lan_interfaces.count, 1);
	strv_destroy(&out.lan_interfaces);
}

static void test_bad_host_network(void **state)
{
	static const char *const bad[] = {
		"\n",
		"Format: waybill-host-network 1\nBridge: wb0\n",
		"Format: waybill-host-network 2\nBridge: wb0\nNetwork: 10.1.2.0/24\n",
		"Format: waybill-host-network 1\nBridge: br0\nNetwork: 10.1.2.0/24\n",
		"Format: waybill-host-network 1\nBridge: wb0\nNetwork: 10.1.2.0/16\n",
		"Format: waybill-host-network 1\nBridge: wb0\nNetwork: .0/24\n",
		"Format: waybill-host-network 1\nBridge: wb0\nNetwork: 10.1.2.1/24\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct host_network *in = NULL;
		put(HOST_NETWORK_FILE, bad[i]);
		if (host_network_read(&root, &in, &err) == 0)
			fail_msg("case %zu was taken", i);
		assert_non_null(strstr(err.msg, HOST_NETWORK_FILE));
		err_clear(&err);
	}
}

static void expect_address(const char *mac, const char *want)
{
	struct err err = ERR_INIT;
	char address[IPV4_SIZE];
	assert_ok(dhcp_hosts_address(&root, mac, address, &err));
	assert_string_equal(address, want);
}

static void test_addresses_are_kept(void **state)
{
	struct err err = ERR_INIT;
	char address[IPV4_SIZE];
	expect_address("52:54:00:00:00:01", "");
	assert_ok(dhcp_hosts_join(&root, "10.1.2", "52:54:00:00:00:01", "askom", &err));
	assert_ok(dhcp_hosts_join(&root, "10.1.2", "52:54:00:00:00:02", "no+label", &err));
	expect_address("52:54:00:00:00:01", "10.1.2.10");
	expect_address("52:54:00:00:00:02", "10.1.2.11");
	assert_ok(dhcp_hosts_leave(&root, "52:54:00:00:00:01", &err));
	assert_ok(dhcp_hosts_leave(&root, "52:54:00:00:00:01", &err));
	assert_ok(dhcp_hosts_join(&root, "10.1.2", "52:54:00:00:00:02", "no+label", &err));
	expect_address("52:54:00:00:00:02", "10.1.2.11");
	assert_ok(dhcp_hosts_join(&root, "10.1.2", "52:54:00:00:00:03", "access", &err));
	assert_ok(dhcp_hosts_by_name(&root, "access", address, &err));
	assert_string_equal(address, "10.1.2.10");
	assert_ok(dhcp_hosts_by_name(&root, "askom", address, &err));
	assert_string_equal(address, "");
}

/* Another Address in hostconfig.conf: an instance that starts gets one of the new ones. */
static void test_another_network(void **state)
{
	struct err err = ERR_INIT;
	assert_ok(dhcp_hosts_join(&root, "10.1.20", "52:54:00:00:00:02", "x", &err));
	expect_address("52:54:00:00:00:02", "10.1.20.10");
}

static void test_no_address_left(void **state)
{
	struct err err = ERR_INIT;
	for (int i = INSTANCE_FIRST_HOST; i <= INSTANCE_LAST_HOST; i++) {
		_cleanup_free_ char *mac = xasprintf("52:54:00:00:01:%02x", i);
		assert_ok(dhcp_hosts_join(&root, "10.9.9", mac, "x", &err));
	}
	assert_int_equal(dhcp_hosts_join(&root, "10.9.9", "52:54:00:00:02:00", "x", &err), -1);
	assert_int_equal(err.code, ERR_NO_SPACE);
	err_clear(&err);
}

/* One file that somebody broke is no reason to give its neighbour's address away twice. */
static void test_broken_file(void **state)
{
	struct err err = ERR_INIT;
	char address[IPV4_SIZE];
	put(DHCP_HOSTS_DIR "/52-54-00-00-03-00", "nonsense\n");
	assert_int_equal(dhcp_hosts_address(&root, "52:54:00:00:03:00", address, &err), -1);
	assert_non_null(strstr(err.msg, "remove it"));
	err_clear(&err);
	assert_ok(dhcp_hosts_join(&root, "10.1.2", "52:54:00:00:03:01", "y", &err));
	expect_address("52:54:00:00:03:01", "10.1.2.11");
}

static void test_networks(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strv_ struct strv list = STRV_INIT;
	assert_ok(network_list_parse("none", "Ssh-From", &list, &err));
	assert_int_equal(list.count, 0);
	assert_ok(network_list_parse("any", "Ssh-From", &list, &err));
	assert_ok(network_list_parse("10.0.0.0/8 192.0.2.7\nfd00::/8", "Ssh-From", &list, &err));
	_cleanup_free_ char *all = strv_join(&list, " ");
	assert_string_equal(all, "0.0.0.0/0 ::/0 10.0.0.0/8 192.0.2.7/32 fd00::/8");
}

static void test_bad_networks(void **state)
{
	static const char *const bad[] = { "", " ", "yes", "10.0.0.1/8", "10.0.0.0/33", "10.0.0",
					   "10.0.0.0/", "fd00::1/64", "any none", "}; drop",
					   "10.0.0.0/8,10.1.0.0/16", "::/129" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		_cleanup_strv_ struct strv list = STRV_INIT;
		if (network_list_parse(bad[i], "Ssh-From", &list, &err) == 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_non_null(strstr(err.msg, "Ssh-From"));
		err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_network),
		cmocka_unit_test(test_bad_host_network),
		cmocka_unit_test(test_addresses_are_kept),
		cmocka_unit_test(test_another_network),
		cmocka_unit_test(test_no_address_left),
		cmocka_unit_test(test_broken_file),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_bad_networks),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
