/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "appliance/domain-conn.h"

/* What a paravirtual host cannot do is refused there, by name, and nowhere else. */
static void test_what_xen_refuses(void **state)
{
	static const struct {
		enum firmware_mode firmware;
		enum network_mode network;
		enum health_kind health;
		const char *refusal; /* NULL: none */
	} rows[] = {
		{ FIRMWARE_BIOS, NETWORK_NAT, HEALTH_HTTP, NULL },
		{ FIRMWARE_BIOS, NETWORK_NAT, HEALTH_TCP, NULL },
		{ FIRMWARE_BIOS, NETWORK_NONE, HEALTH_HTTP, NULL },
		{ FIRMWARE_UEFI, NETWORK_NAT, HEALTH_HTTP, "Firmware: uefi" },
		{ FIRMWARE_BIOS, NETWORK_USER, HEALTH_HTTP, "Network: user" },
		{ FIRMWARE_BIOS, NETWORK_NAT, HEALTH_AGENT, "Health: agent" },
		{ FIRMWARE_BIOS, NETWORK_NAT, HEALTH_SYSTEMD, "Health: systemd" },
		{ FIRMWARE_BIOS, NETWORK_NAT, HEALTH_EXEC, "Health: exec" },
	};
	const struct hypervisor xen = { .is_xen = true }, qemu = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct health_check checks[] = { { .kind = HEALTH_HTTP },
						 { .kind = rows[i].health } };
		const struct appliance_conf conf = { .firmware = rows[i].firmware,
						     .network = rows[i].network,
						     .health = checks,
						     .health_count = ARRAY_SIZE(checks) };
		struct err err = ERR_INIT;
		assert_ok(hypervisor_check(&qemu, &conf, &err));
		if (!rows[i].refusal) {
			assert_ok(hypervisor_check(&xen, &conf, &err));
			continue;
		}
		assert_fails(hypervisor_check(&xen, &conf, &err), ERR_REFUSED,
			     rows[i].refusal);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_xen_refuses) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
