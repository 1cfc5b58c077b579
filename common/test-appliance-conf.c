/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/appliance-conf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HASH "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define IDENTITY                                                                         \
	"Format: waybill-appliance 1\nAppliance: askom\nVersion: 1.4.0\nArchitecture: "  \
	"amd64\n"                                                                        \
	"Base-SHA256: " HASH "\nDisk: 4G\n"

static const char full[] =
	IDENTITY "Memory: 512M\nVcpus: 2\nCpu-Limit: 150%\nData: 1G\nSwap: 1234567\nBoot: kernel\n"
		 "Kernel-Args: root=/dev/vda rw console=ttyS0\nNetwork: user\n"
		 "Ports: 8080:80 5353:53/udp\nGraphics: vnc\n"
		 "Start-After: db ldap\nAutostart: no\nTime-Limit: 7200s\n"
		 "Health:\n http:80/ deadline=120s interval=5s\n"
		 " exec:/bin/true -x deadline=5s interval=60s\n"
		 " agent deadline=60s interval=5s\nWatch: 600s\nUpgrade: replace\n"
		 "Params:\n GREETING=hello = you\n API_KEY secret\n PLAIN\n";

static struct appliance_conf *parse_ok(const char *text)
{
	struct err err = ERR_INIT;
	struct appliance_conf *conf = NULL;
	if (appliance_conf_parse(text, strlen(text), "test", &conf, &err) < 0)
		fail_msg("%s", err.msg);
	return conf;
}

static void test_defaults(void **state)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = parse_ok(IDENTITY);
	assert_string_equal(conf->appliance, "askom");
	assert_string_equal(conf->base_sha256, HASH);
	assert_int_equal(conf->disk_bytes, UINT64_C(4) << 30);
	assert_int_equal(conf->memory_bytes, 256 << 20);
	assert_int_equal(conf->vcpus, 1);
	assert_int_equal(conf->data_bytes, 0);
	assert_int_equal(conf->boot, BOOT_DISK);
	assert_null(conf->kernel_args);
	assert_int_equal(conf->network, NETWORK_USER);
	assert_int_equal(conf->graphics, GRAPHICS_NONE);
	assert_int_equal(conf->upgrade, UPGRADE_REPLACE);
	assert_int_equal(conf->firmware, FIRMWARE_BIOS);
	assert_int_equal(conf->cpu_percent, 0);
	assert_int_equal(conf->time_limit_seconds, 0);
	assert_int_equal(conf->watch_seconds, 0);
	assert_true(conf->autostart);
}

/* What is checked is also watched, unless the file says otherwise. */
static void test_watch_default(void **state)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *checked =
		parse_ok(IDENTITY "Health: agent\n");
	assert_int_equal(checked->watch_seconds, 300);
	assert_int_equal(checked->health[0].interval_seconds, 5);
	_cleanup_(appliance_conf_freep) struct appliance_conf *unwatched =
		parse_ok(IDENTITY "Health: agent\nWatch: 0s\n");
	assert_int_equal(unwatched->watch_seconds, 0);
}

static void test_every_field(void **state)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = parse_ok(full);
	assert_int_equal(conf->swap_bytes, 1234567);
	assert_int_equal(conf->boot, BOOT_KERNEL);
	assert_int_equal(conf->port_count, 2);
	assert_int_equal(conf->ports[0].host_port, 8080);
	assert_int_equal(conf->ports[1].guest_port, 53);
	assert_true(conf->ports[1].udp);
	assert_int_equal(conf->graphics, GRAPHICS_VNC);
	assert_int_equal(conf->health_count, 3);
	assert_string_equal(conf->health[0].argument, "/");
	assert_string_equal(conf->health[1].argument, "/bin/true -x");
	assert_int_equal(conf->health[1].deadline_seconds, 5);
	assert_int_equal(conf->health[1].interval_seconds, 60);
	assert_int_equal(conf->watch_seconds, 600);
	assert_int_equal(conf->cpu_percent, 150);
	assert_int_equal(conf->start_after.count, 2);
	assert_false(conf->autostart);
	assert_int_equal(conf->time_limit_seconds, 7200);
	assert_int_equal(conf->health[2].kind, HEALTH_AGENT);
	assert_int_equal(conf->param_count, 3);
	assert_string_equal(conf->params[0].default_value, "hello = you");
	assert_true(conf->params[1].secret);
	assert_null(conf->params[2].default_value);
	assert_false(conf->params[2].secret);
}

static void test_kernel_args_default(void **state)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf =
		parse_ok(IDENTITY "Boot: kernel\n");
	assert_string_equal(conf->kernel_args, APPLIANCE_DEFAULT_KERNEL_ARGS);
}

static void test_writes_what_it_read(void **state)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = parse_ok(full);
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	appliance_conf_format(conf, &out);
	assert_string_equal(out.data, full);
}

/* Each line goes below the identity and must be refused with these words. */
static const struct {
	const char *lines, *words;
} refused[] = {
	{ "Memory: 15M\n", "Memory" },
	{ "Memory: -1\n", "Memory" },
	{ "Memory: 99999999999999999999G\n", "Memory" },
	{ "Memory: 512 M\n", "Memory" },
	{ "Vcpus: 0\n", "Vcpus" },
	{ "Vcpus: 65\n", "Vcpus" },
	{ "Data: 0\n", "Data" },
	{ "Swap: 70000000G\n", "Swap" },
	{ "Boot: pxe\n", "disk, kernel, host-kernel" },
	{ "Kernel-Args: quiet\n", "Boot: kernel" },
	{ "Boot: kernel\nKernel-Args: a\x01z\n", "\\x01" },
	{ "Boot: kernel\nKernel-Args: a\n b\n", "\\x0a" },
	{ "Network: bridge\n", "Network" },
	{ "Ports: 80\n", "HOST:GUEST" },
	{ "Ports: 80:80/sctp\n", "HOST:GUEST" },
	{ "Ports: 0:80\n", "host port" },
	{ "Ports: 80:65536\n", "guest port" },
	{ "Ports: 80:80,hostfwd=tcp::1-:2\n", "guest port" },
	{ "Ports: 80:80 80:81/tcp\n", "twice" },
	{ "Network: none\nPorts: 80:80\n", "Ports needs" },
	{ "Graphics: spice\n", "Graphics" },
	{ "Health: ping\n", "Health" },
	{ "Health: agent:1\n", "takes no argument" },
	{ "Health: tcp\n", "needs" },
	{ "Health: tcp:80/x\n", "path" },
	{ "Health: http:99999/\n", "port" },
	{ "Health: http:80/a b\n", "blank" },
	{ "Health: exec:\n", "command" },
	{ "Health: agent deadline=0s\n", "deadline" },
	{ "Health: agent deadline=2d\n", "deadline" },
	{ "Health: agent deadline=\n", "deadline" },
	{ "Health: agent interval=0s\n", "interval" },
	{ "Health: agent interval=5s deadline=x\n", "deadline" },
	{ "Health: tcp:80\n", "cannot be asked" },
	{ "Health: http:80/\nPorts: 80:80/udp\n", "cannot be asked" },
	{ "Network: none\nHealth: tcp:80\n", "cannot be asked" },
	{ "Watch: 8d\n", "Watch" },
	{ "Cpu-Limit: 50\n", "percentage" },
	{ "Cpu-Limit: 0%\n", "Cpu-Limit" },
	{ "Cpu-Limit: %\n", "Cpu-Limit" },
	{ "Start-After: a/b\n", "not a name" },
	{ "Autostart: maybe\n", "no, yes" },
	{ "Time-Limit: 0s\n", "Time-Limit" },
	{ "Firmware: coreboot\n", "bios, uefi" },
	{ "Boot: kernel\nFirmware: uefi\n", "Boot: disk" },
	{ "Upgrade: parallel\n", "nat" },
	{ "Upgrade: maybe\n", "Upgrade" },
	{ "Upgrade: parallel\nData: 1G\n", "exclude" },
	{ "Params: lower=1\n", "A-Z" },
	{ "Params: =1\n", "A-Z" },
	{ "Params: A public\n", "secret" },
	{ "Params:\n A=1\n A=2\n", "twice" },
	{ "Params: PORTS\n", "every appliance" },
	{ "Memori: 512M\n", "Memori" },
	{ "Disk: 8G\n", "Disk" },
	{ "\nMemory: 1G\n", "" },
};

static void expect_refused(const char *text, const char *words)
{
	struct err err = ERR_INIT;
	struct appliance_conf *conf = NULL;
	if (appliance_conf_parse(text, strlen(text), "test.conf", &conf, &err) == 0)
		fail_msg("accepted: %s", text);
	assert_null(conf);
	assert_int_equal(err_exit_code(&err), EXIT_FAILED);
	if (!strstr(err.msg, words) || !strstr(err.msg, "test.conf"))
		fail_msg("'%s' does not say '%s'", err.msg, words);
	err_clear(&err);
}

static void test_refuses(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		_cleanup_free_ char *text = xasprintf(IDENTITY "%s", refused[i].lines);
		expect_refused(text, refused[i].words);
	}
}

/* The identity with one line replaced. */
static const struct {
	const char *field, *line;
} bad_identity[] = {
	{ "Format", "Format: waybill-appliance 2\n" },
	{ "Format", "" },
	{ "Appliance", "Appliance: ../../etc\n" },
	{ "Appliance", "Appliance: <x/>\n" },
	{ "Appliance", "" },
	{ "Version", "Version: 1 0\n" },
	{ "Architecture", "Architecture: ../x\n" },
	{ "Base-SHA256", "Base-SHA256: ABC\n" },
	{ "Base-SHA256", "" },
	{ "Disk", "Disk: 1\n" },
	{ "Disk", "" },
};

static void test_refuses_identity(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_identity); i++) {
		const char *field = bad_identity[i].field;
		const char *start = strstr(IDENTITY, field);
		const char *rest = strchr(start, '\n') + 1;
		_cleanup_free_ char *text =
			xasprintf("%.*s%s%s", (int)(start - IDENTITY), IDENTITY,
				  bad_identity[i].line, rest);
		expect_refused(text, field);
	}
}

static void test_refuses_oversized(void **state)
{
	size_t len = APPLIANCE_CONF_MAX_BYTES + 1;
	_cleanup_free_ char *text = xcalloc(1, len + 1);
	memset(text, '#', len);
	expect_refused(text, "larger");
}

/* Whatever is accepted must be written and read again to the same bytes. */
static bool survives(const char *text, size_t len)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	if (appliance_conf_parse(text, len, "mutant", &conf, &err) < 0) {
		assert_non_null(err.msg);
		return false;
	}
	_cleanup_strbuf_ struct strbuf once = STRBUF_INIT, twice = STRBUF_INIT;
	appliance_conf_format(conf, &once);
	_cleanup_(appliance_conf_freep) struct appliance_conf *again =
		parse_ok(once.data);
	appliance_conf_format(again, &twice);
	assert_string_equal(once.data, twice.data);
	return true;
}

static void test_bit_flips(void **state)
{
	size_t len = strlen(full), accepted = 0;
	_cleanup_free_ char *text = xmalloc(len);
	for (size_t bit = 0; bit < len * 8; bit++) {
		memcpy(text, full, len);
		text[bit / 8] ^= (char)(1 << (bit % 8));
		accepted += survives(text, len);
	}
	/* A flipped letter of a greeting is fine; of a keyword it is not. */
	assert_in_range(accepted, 1, len * 8 / 2);
}

static void test_truncation(void **state)
{
	size_t identity = strlen(IDENTITY);
	for (size_t len = 0; len < strlen(full); len++)
		if (survives(full, len))
			assert_true(len >= identity && full[len - 1] == '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_watch_default),
		cmocka_unit_test(test_kernel_args_default),
		cmocka_unit_test(test_writes_what_it_read),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_refuses_identity),
		cmocka_unit_test(test_refuses_oversized),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_truncation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
