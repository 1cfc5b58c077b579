/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Golden XML in golden/; after a change on purpose: UPDATE_GOLDEN=1 ./test-domain-xml */
#include "common/test-lib.h"

#include "appliance/domain-xml.h"
#include "common/atomic-file.h"

static const struct port_forward ports[] = { { 8080, 80, false }, { 5353, 53, true } };

static struct domain_spec full_spec(void)
{
	return (struct domain_spec){
		.type = DOMAIN_TYPE_TCG,
		.domain_name = "waybill-askom",
		.instance = "askom",
		.version = "1:1.4.0~rc1",
		.digest = "9f86d081884c7d65",
		.started_at = 1700000000,
		.uuid = "00000000-0000-8000-8000-000000000001",
		.mac = "52:54:00:01:02:03",
		.memory_bytes = 512u << 20,
		.vcpus = 2,
		.cpu_percent = 150,
		.kernel = "/i/askom/vmlinuz",
		.initrd = "/i/askom/initrd.img",
		.kernel_args = "root=/dev/vda rw console=ttyS0",
		.overlay = "/i/askom/system.qcow2",
		.base = "/b/9f86.qcow2",
		.data = "/i/askom/data.qcow2",
		.swap = "/i/askom/swap.img",
		.seed = "/i/askom/seed.iso",
		.console_log = "/i/askom/console.log",
		.network = NETWORK_USER,
		.ports = ports,
		.port_count = 2,
		.vnc = true,
	};
}

/* As little as an appliance can have, on a network of libvirt's, with KVM. */
static struct domain_spec small_spec(void)
{
	struct domain_spec spec = full_spec();
	spec.type = DOMAIN_TYPE_KVM;
	spec.kernel = spec.initrd = spec.kernel_args = NULL;
	spec.data = spec.swap = NULL;
	spec.network = NETWORK_NAT;
	spec.nat_network = "waybill";
	spec.vnc = false;
	return spec;
}

/* The disk's own boot loader, found by OVMF. */
static struct domain_spec uefi_spec(void)
{
	struct domain_spec spec = small_spec();
	spec.type = DOMAIN_TYPE_TCG;
	spec.loader = "/usr/share/OVMF/OVMF_CODE_4M.fd";
	spec.nvram = "/i/askom/nvram.fd";
	return spec;
}

/* The same description on a Xen host. */
static struct domain_spec xen_spec(void)
{
	struct domain_spec spec = full_spec();
	spec.type = DOMAIN_TYPE_XEN;
	spec.network = NETWORK_NAT;
	spec.nat_network = "waybill";
	return spec;
}

static void expect_golden(const struct domain_spec *spec, const char *name)
{
	struct err err = ERR_INIT;
	const char *srcdir = getenv("srcdir");
	_cleanup_free_ char *path =
		xasprintf("%s/golden/%s", srcdir ? srcdir : ".", name);
	_cleanup_strbuf_ struct strbuf xml = STRBUF_INIT;
	_cleanup_free_ char *want = NULL;
	size_t len;
	domain_xml_format(spec, &xml);
	if (getenv("UPDATE_GOLDEN"))
		assert_ok(atomic_file_write(path, xml.data, xml.len, 0644, &err));
	assert_ok(file_read(path, 1 << 16, &want, &len, &err));
	assert_string_equal(xml.data, want);
}

static void test_golden_full(void **state)
{
	struct domain_spec spec = full_spec();
	expect_golden(&spec, "full.xml");
}

static void test_golden_small(void **state)
{
	struct domain_spec spec = small_spec();
	expect_golden(&spec, "small.xml");
}

static void test_golden_uefi(void **state)
{
	struct domain_spec spec = uefi_spec();
	expect_golden(&spec, "uefi.xml");
}

static void test_golden_xen(void **state)
{
	struct domain_spec spec = xen_spec();
	expect_golden(&spec, "xen.xml");
}

static bool xml_has(const struct domain_spec *spec, const char *text)
{
	_cleanup_strbuf_ struct strbuf xml = STRBUF_INIT;
	domain_xml_format(spec, &xml);
	return strstr(xml.data, text) != NULL;
}

static void test_screen_on_a_socket(void **state)
{
	struct domain_spec spec = full_spec();
	assert_true(xml_has(&spec, "listen='127.0.0.1'"));
	spec.vnc_socket = "/i/a&b/screen/vnc";
	assert_true(xml_has(&spec, "<listen type='socket' socket='/i/a&amp;b/screen/vnc'/>"));
	assert_false(xml_has(&spec, "127.0.0.1"));
	spec.vnc = false;
	assert_false(xml_has(&spec, "<graphics"));
}

/* Devices by the names that they have under Xen; what is Xen's already stays. */
static void test_xen_kernel_args(void **state)
{
	static const char *const pairs[][2] = {
		{ "root=/dev/vda rw console=ttyS0", "root=/dev/xvda rw console=hvc0" },
		{ "console=tty0 console=ttyS0,115200n8 root=/dev/vda2 panic=10",
		  "console=tty0 console=hvc0 root=/dev/xvda2 panic=10" },
		{ "root=/dev/xvda ro console=hvc0", "root=/dev/xvda ro console=hvc0" },
		{ "root=LABEL=vda quiet", "root=LABEL=vda quiet" },
		{ "x=root=/dev/vda", "x=root=/dev/vda" },
		{ "", "" },
	};
	struct domain_spec spec = xen_spec();
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		_cleanup_free_ char *line = xasprintf("<cmdline>%s</cmdline>\n", pairs[i][1]);
		spec.kernel_args = pairs[i][0];
		assert_true(xml_has(&spec, line));
	}
	spec.kernel_args = NULL;
	assert_false(xml_has(&spec, "cmdline"));
	spec.kernel = spec.initrd = NULL;
	assert_true(xml_has(&spec, "<bootloader>pygrub</bootloader>"));
}

static size_t count_char(const char *text, char c)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == c;
	return n;
}

/* Whatever a string holds, it makes no markup: as many brackets and quotes as before. */
static void test_strings_make_no_markup(void **state)
{
	static const char evil[] = "'/><x y=\"z\">&amp;]]></domain>\n\x01\x7f";
	struct domain_spec spec = full_spec();
	const char **strings[] = { &spec.domain_name, &spec.instance, &spec.version,
				   &spec.digest,      &spec.uuid,     &spec.mac,
				   &spec.kernel,      &spec.initrd,   &spec.kernel_args,
				   &spec.overlay,     &spec.base,     &spec.data,
				   &spec.swap,        &spec.seed,     &spec.console_log };
	_cleanup_strbuf_ struct strbuf plain = STRBUF_INIT;
	domain_xml_format(&spec, &plain);
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		_cleanup_strbuf_ struct strbuf xml = STRBUF_INIT;
		const char *before = *strings[i];
		*strings[i] = evil;
		domain_xml_format(&spec, &xml);
		*strings[i] = before;
		for (const char *c = "<>'\"\x01"; *c; c++)
			assert_int_equal(count_char(xml.data, *c),
					 count_char(plain.data, *c));
	}
}

static void test_identity_is_stable_and_distinct(void **state)
{
	char a[DOMAIN_UUID_SIZE], b[DOMAIN_UUID_SIZE], mac[DOMAIN_MAC_SIZE];
	domain_uuid("/", "askom", a);
	assert_string_equal(a, "e86a8dab-276c-8e83-8877-37ca6591c400");
	domain_uuid("/srv", "askom", b);
	assert_string_not_equal(a, b);
	domain_uuid("/", "askom2", b);
	assert_string_not_equal(a, b);
	domain_mac("/", "askom", mac);
	assert_int_equal(strncmp(mac, "52:54:00:", 9), 0);
	assert_int_equal(strlen(mac), DOMAIN_MAC_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_full),
		cmocka_unit_test(test_golden_small),
		cmocka_unit_test(test_golden_uefi),
		cmocka_unit_test(test_golden_xen),
		cmocka_unit_test(test_screen_on_a_socket),
		cmocka_unit_test(test_xen_kernel_args),
		cmocka_unit_test(test_strings_make_no_markup),
		cmocka_unit_test(test_identity_is_stable_and_distinct),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
