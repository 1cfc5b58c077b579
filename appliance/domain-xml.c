/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/domain-xml.h"

#include "common/hash.h"
#include "common/strv.h"

static const char *const type_names[] = {
	[DOMAIN_TYPE_KVM] = "kvm",
	[DOMAIN_TYPE_TCG] = "qemu",
	[DOMAIN_TYPE_TEST] = "test",
	[DOMAIN_TYPE_XEN] = "xen",
};

static bool is_xen(const struct domain_spec *spec)
{
	return spec->type == DOMAIN_TYPE_XEN;
}

/* <tag>escaped text</tag> */
static void add_text(struct strbuf *out, const char *indent, const char *tag,
		     const char *text)
{
	strbuf_addf(out, "%s<%s>", indent, tag);
	strbuf_add_xml(out, text);
	strbuf_addf(out, "</%s>\n", tag);
}

/* name='escaped value', with a blank in front */
static void add_attr(struct strbuf *out, const char *name, const char *value)
{
	strbuf_addf(out, " %s='", name);
	strbuf_add_xml(out, value);
	strbuf_addc(out, '\'');
}

static void add_identity(const struct domain_spec *spec, struct strbuf *out)
{
	_cleanup_free_ char *title = xasprintf("%s %s", spec->instance, spec->version);
	_cleanup_free_ char *started = xasprintf("%lld", (long long)spec->started_at);
	add_text(out, "  ", "name", spec->domain_name);
	add_text(out, "  ", "uuid", spec->uuid);
	add_text(out, "  ", "title", title);
	strbuf_adds(out, "  <metadata>\n    <waybill:instance");
	add_attr(out, "xmlns:waybill", DOMAIN_METADATA_URI);
	add_attr(out, "name", spec->instance);
	add_attr(out, "version", spec->version);
	add_attr(out, "digest", spec->digest);
	add_attr(out, "started", started);
	strbuf_adds(out, "/>\n  </metadata>\n");
}

/* One appliance for all hypervisors: what its Kernel-Args call vda and ttyS0 are xvda and hvc0
 * in a paravirtual guest, which has no such devices. */
static char *xen_kernel_args(const char *args)
{
	static const char root[] = "root=/dev/vd", console[] = "console=ttyS0";
	_cleanup_strv_ struct strv words = STRV_INIT, xen = STRV_INIT;
	strv_split(&words, args, " \t");
	for (size_t i = 0; i < words.count; i++) {
		const char *word = words.items[i];
		if (str_starts(word, root))
			strv_addf(&xen, "root=/dev/xvd%s", word + strlen(root));
		else
			strv_add(&xen, str_starts(word, console) ? "console=hvc0" : word);
	}
	return strv_join(&xen, " ");
}

/* Of a kernel that lies beside the disk, or of pygrub, which takes the one that the disk's
 * own grub.cfg names. */
static void add_kernel(const struct domain_spec *spec, struct strbuf *out)
{
	add_text(out, "    ", "kernel", spec->kernel);
	if (spec->initrd)
		add_text(out, "    ", "initrd", spec->initrd);
	if (!spec->kernel_args)
		return;
	_cleanup_free_ char *args = is_xen(spec) ? xen_kernel_args(spec->kernel_args)
						 : xstrdup(spec->kernel_args);
	add_text(out, "    ", "cmdline", args);
}

/* Explicit paths: by itself libvirt would put the variables outside the root. Secure boot
 * would refuse a loader that nobody signed. */
static void add_firmware(const struct domain_spec *spec, struct strbuf *out)
{
	strbuf_adds(out, "    <loader readonly='yes' type='pflash'>");
	strbuf_add_xml(out, spec->loader);
	strbuf_adds(out, "</loader>\n");
	add_text(out, "    ", "nvram", spec->nvram);
}

static void add_os(const struct domain_spec *spec, struct strbuf *out)
{
	if (is_xen(spec) && !spec->kernel)
		strbuf_adds(out, "  <bootloader>pygrub</bootloader>\n");
	strbuf_addf(out, "  <os>\n    <type arch='x86_64' machine='%s'>%s</type>\n",
		    is_xen(spec) ? "xenpv" : "pc", is_xen(spec) ? "linux" : "hvm");
	if (spec->loader)
		add_firmware(spec, out);
	if (spec->kernel)
		add_kernel(spec, out);
	else if (!is_xen(spec))
		strbuf_adds(out, "    <boot dev='hd'/>\n");
	strbuf_adds(out, "  </os>\n");
}

/* Of the whole domain, QEMU's own threads among it. */
static void add_cpu_limit(const struct domain_spec *spec, struct strbuf *out)
{
	enum { PERIOD_US = 100000 };
	if (spec->cpu_percent && !is_xen(spec))
		strbuf_addf(out,
			    "  <cputune>\n    <global_period>%d</global_period>\n"
			    "    <global_quota>%d</global_quota>\n  </cputune>\n",
			    PERIOD_US, PERIOD_US / 100 * (int)spec->cpu_percent);
}

/* QEMU 7.2's TCG panics Debian 13 guests now and then in cmpxchg16b: no cx16 there. */
static void add_cpu(const struct domain_spec *spec, struct strbuf *out)
{
	strbuf_adds(out, "  <features>\n    <acpi/>\n    <apic/>\n  </features>\n");
	if (spec->type == DOMAIN_TYPE_KVM)
		strbuf_adds(out, "  <cpu mode='host-passthrough'/>\n");
	else
		strbuf_adds(out, "  <cpu mode='custom' match='exact' check='none'>\n"
				 "    <model fallback='allow'>qemu64</model>\n"
				 "    <feature policy='disable' name='cx16'/>\n"
				 "  </cpu>\n");
}

static void add_machine(const struct domain_spec *spec, struct strbuf *out)
{
	strbuf_addf(out, "  <memory unit='b'>%llu</memory>\n  <vcpu>%u</vcpu>\n",
		    (unsigned long long)spec->memory_bytes, spec->vcpus);
	add_cpu_limit(spec, out);
	add_os(spec, out);
	if (!is_xen(spec))
		add_cpu(spec, out);
	strbuf_adds(out, "  <clock offset='utc'/>\n"
			 "  <on_poweroff>destroy</on_poweroff>\n"
			 "  <on_reboot>restart</on_reboot>\n"
			 "  <on_crash>destroy</on_crash>\n");
}

static void add_source(struct strbuf *out, const char *indent, const char *path)
{
	strbuf_addf(out, "%s<source", indent);
	add_attr(out, "file", path);
	strbuf_adds(out, "/>\n");
}

/* relabel='no': else libvirt gives the base to QEMU's user and leaves it so. */
static void add_backing(struct strbuf *out, const char *base)
{
	strbuf_adds(out,
		    "      <backingStore type='file'>\n        <format type='qcow2'/>\n"
		    "        <source");
	add_attr(out, "file", base);
	strbuf_adds(
		out,
		">\n          <seclabel model='dac' relabel='no'/>\n"
		"        </source>\n        <backingStore/>\n      </backingStore>\n");
}

/* The disks of one domain; the next is vd<letter>. */
struct disk_row {
	struct strbuf *out;
	bool xen;
	char letter;
};

/* base NULL: the disk stands alone. */
static void add_disk(struct disk_row *row, const char *path, const char *format,
		     const char *serial, const char *base)
{
	struct strbuf *out = row->out;
	if (!path)
		return;
	/* QEMU 7.2 as Xen's backend does not get a read-only disk up. */
	bool read_only = str_eq(serial, "seed") && !row->xen;
	strbuf_addf(out,
		    "    <disk type='file' device='disk'>\n"
		    "      <driver name='qemu' type='%s' discard='unmap'/>\n",
		    format);
	add_source(out, "      ", path);
	if (base)
		add_backing(out, base);
	strbuf_addf(out,
		    "      <target dev='%s%c' bus='%s'/>\n%s"
		    "      <serial>%s</serial>\n    </disk>\n",
		    row->xen ? "xvd" : "vd", row->letter++, row->xen ? "xen" : "virtio",
		    read_only ? "      <readonly/>\n" : "", serial);
}

static void add_disks(const struct domain_spec *spec, struct strbuf *out)
{
	struct disk_row row = { out, is_xen(spec), 'a' };
	add_disk(&row, spec->overlay, "qcow2", "system", spec->base);
	add_disk(&row, spec->data, "qcow2", "data", NULL);
	add_disk(&row, spec->swap, "raw", "swap", NULL);
	add_disk(&row, spec->seed, "raw", "seed", NULL);
}

static void add_nat_interface(const struct domain_spec *spec, struct strbuf *out)
{
	const char *kind = spec->nat_bridge ? "bridge" : "network";
	strbuf_addf(out, "    <interface type='%s'>\n      <mac", kind);
	add_attr(out, "address", spec->mac);
	strbuf_adds(out, "/>\n      <source");
	add_attr(out, kind, spec->nat_bridge ? spec->nat_bridge : spec->nat_network);
	strbuf_adds(out, "/>\n");
	if (!is_xen(spec))
		strbuf_adds(out, "      <model type='virtio'/>\n");
	strbuf_adds(out, "    </interface>\n");
}

/* Without <graphics> QEMU gets no display, and the VGA card still draws screenshots. */
static void add_screen(const struct domain_spec *spec, struct strbuf *out)
{
	if (spec->vnc && spec->vnc_socket) {
		strbuf_adds(out, "    <graphics type='vnc'>\n      <listen type='socket'");
		add_attr(out, "socket", spec->vnc_socket);
		strbuf_adds(out, "/>\n    </graphics>\n");
	} else if (spec->vnc) {
		strbuf_adds(
			out,
			"    <graphics type='vnc' autoport='yes' listen='127.0.0.1'/>\n");
	}
	strbuf_adds(out, "    <video>\n      <model type='vga'/>\n    </video>\n");
}

static void add_hvm_devices(const struct domain_spec *spec, struct strbuf *out)
{
	strbuf_adds(out, "    <controller type='usb' model='none'/>\n"
			 "    <serial type='pty'>\n      <log");
	add_attr(out, "file", spec->console_log);
	add_attr(out, "append", "on");
	strbuf_adds(out, "/>\n      <target port='0'/>\n    </serial>\n"
			 "    <channel type='unix'>\n"
			 "      <target type='virtio' name='org.qemu.guest_agent.0'/>\n"
			 "    </channel>\n");
	add_screen(spec, out);
	strbuf_adds(out, "    <rng model='virtio'>\n"
			 "      <backend model='random'>/dev/urandom</backend>\n"
			 "    </rng>\n");
}

static void add_devices(const struct domain_spec *spec, struct strbuf *out)
{
	strbuf_adds(out, "  <devices>\n");
	add_disks(spec, out);
	if (spec->network == NETWORK_NAT)
		add_nat_interface(spec, out);
	if (is_xen(spec))
		strbuf_adds(out, "    <console type='pty'>\n"
				 "      <target type='xen' port='0'/>\n"
				 "    </console>\n");
	else
		add_hvm_devices(spec, out);
	strbuf_adds(out, "  </devices>\n");
}

static void add_qemu_args(struct strbuf *out, const char *option, const char *value)
{
	strbuf_addf(out, "    <qemu:arg value='%s'/>\n    <qemu:arg", option);
	add_attr(out, "value", value);
	strbuf_adds(out, "/>\n");
}

/* libvirt 9.0 has port forwards only with passt as its backend; QEMU's own user network
 * needs no other program, under AppArmor and TCG as well. Slot 0x10 is out of the way of
 * what libvirt places. */
static void add_user_network(const struct domain_spec *spec, struct strbuf *out)
{
	_cleanup_strbuf_ struct strbuf netdev = STRBUF_INIT;
	strbuf_adds(&netdev, "user,id=waybill0");
	for (size_t i = 0; i < spec->port_count; i++)
		strbuf_addf(&netdev, ",hostfwd=%s::%u-:%u",
			    spec->ports[i].udp ? "udp" : "tcp", spec->ports[i].host_port,
			    spec->ports[i].guest_port);
	_cleanup_free_ char *device =
		xasprintf("virtio-net-pci,netdev=waybill0,mac=%s,addr=0x10", spec->mac);
	strbuf_adds(out, "  <qemu:commandline>\n");
	add_qemu_args(out, "-netdev", netdev.data);
	add_qemu_args(out, "-device", device);
	strbuf_adds(out, "  </qemu:commandline>\n");
}

void domain_xml_format(const struct domain_spec *spec, struct strbuf *out)
{
	strbuf_addf(out,
		    "<domain type='%s'"
		    " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n",
		    type_names[spec->type]);
	add_identity(spec, out);
	add_machine(spec, out);
	add_devices(spec, out);
	if (spec->network == NETWORK_USER)
		add_user_network(spec, out);
	strbuf_adds(out, "</domain>\n");
}

static void identity_hash(const char *root_dir, const char *instance,
			  char hex[SHA256_HEX_LEN + 1])
{
	_cleanup_free_ char *text =
		xasprintf("waybill instance\n%s\n%s\n", root_dir, instance);
	sha256_hex(text, strlen(text), hex);
}

/* RFC 9562, version 8: the bits are ours to choose. */
void domain_uuid(const char *root_dir, const char *instance, char uuid[DOMAIN_UUID_SIZE])
{
	char hex[SHA256_HEX_LEN + 1];
	identity_hash(root_dir, instance, hex);
	snprintf(uuid, DOMAIN_UUID_SIZE, "%.8s-%.4s-8%.3s-8%.3s-%.12s", hex, hex + 8,
		 hex + 12, hex + 15, hex + 18);
}

/* 52:54:00 is QEMU's prefix of locally administered addresses. */
void domain_mac(const char *root_dir, const char *instance, char mac[DOMAIN_MAC_SIZE])
{
	char hex[SHA256_HEX_LEN + 1];
	identity_hash(root_dir, instance, hex);
	snprintf(mac, DOMAIN_MAC_SIZE, "52:54:00:%.2s:%.2s:%.2s", hex + 40, hex + 42,
		 hex + 44);
}
