/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/vm-args.h"

static void add_machine(const struct vm_spec *spec, struct strv *argv)
{
	const struct appliance_conf *conf = spec->conf;
	strv_addv(argv, VM_QEMU, "-nodefaults", "-no-user-config", "-machine", "pc", NULL);
	/* QEMU 7.2's TCG panics Debian 13 guests now and then in cmpxchg16b: no cx16. */
	strv_addv(argv, "-accel", spec->kvm ? "kvm" : "tcg", "-cpu",
		  spec->kvm ? "host" : "qemu64,-cx16", NULL);
	strv_add(argv, "-m");
	strv_addf(argv, "%lluk", (unsigned long long)conf->memory_bytes / 1024);
	strv_add(argv, "-smp");
	strv_addf(argv, "%u", conf->vcpus);
	strv_addv(argv, "-rtc", "base=utc", "-display", "none", "-device", "VGA", "-sandbox",
		  "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		  NULL);
}

static void add_boot(const struct vm_spec *spec, struct strv *argv)
{
	if (spec->uefi_code) {
		strv_add(argv, "-drive");
		strv_addf(argv, "if=pflash,format=raw,unit=0,readonly=on,file=%s",
			  spec->uefi_code);
		strv_add(argv, "-drive");
		strv_addf(argv, "if=pflash,format=raw,unit=1,file=%s/" VM_UEFI_VARS, spec->dir);
	}
	if (!spec->kernel)
		return;
	strv_addv(argv, "-kernel", spec->kernel, NULL);
	if (spec->initrd)
		strv_addv(argv, "-initrd", spec->initrd, NULL);
	if (spec->conf->kernel_args)
		strv_addv(argv, "-append", spec->conf->kernel_args, NULL);
}

/* cache=unsafe: whatever happens to this host, these disks are thrown away. */
static void add_disk(const struct vm_spec *spec, const char *file, const char *format,
		     const char *serial, struct strv *argv)
{
	strv_add(argv, "-drive");
	strv_addf(argv, "if=none,id=%s,format=%s,file=%s/%s,cache=unsafe,discard=unmap%s",
		  serial, format, spec->dir, file,
		  str_eq(serial, "seed") ? ",readonly=on" : "");
	strv_add(argv, "-device");
	strv_addf(argv, "virtio-blk-pci,drive=%s,serial=%s", serial, serial);
}

static void add_network(const struct vm_spec *spec, struct strv *argv)
{
	const struct appliance_conf *conf = spec->conf;
	_cleanup_strbuf_ struct strbuf netdev = STRBUF_INIT;
	if (conf->network == NETWORK_NONE)
		return;
	strbuf_adds(&netdev, "user,id=net");
	for (size_t i = 0; i < conf->port_count; i++)
		strbuf_addf(&netdev, ",hostfwd=%s:127.0.0.1:0-:%u",
			    conf->ports[i].udp ? "udp" : "tcp", conf->ports[i].guest_port);
	strv_addv(argv, "-netdev", netdev.data, "-device", "virtio-net-pci,netdev=net", NULL);
}

static void add_channels(const struct vm_spec *spec, struct strv *argv)
{
	strv_add(argv, "-chardev");
	strv_addf(argv, "file,id=console,path=%s/" VM_CONSOLE, spec->dir);
	strv_addv(argv, "-serial", "chardev:console", "-chardev", NULL);
	strv_addf(argv, "socket,id=qmp,path=%s/" VM_QMP ",server=on,wait=off", spec->dir);
	strv_addv(argv, "-mon", "chardev=qmp,mode=control", "-chardev", NULL);
	strv_addf(argv, "socket,id=" VM_AGENT_CHARDEV ",path=%s/" VM_AGENT ",server=on,wait=off",
		  spec->dir);
	strv_addv(argv, "-device", "virtio-serial-pci", "-device",
		  "virtserialport,chardev=" VM_AGENT_CHARDEV ",name=org.qemu.guest_agent.0",
		  "-object", "rng-random,id=rng,filename=/dev/urandom", "-device",
		  "virtio-rng-pci,rng=rng", NULL);
}

void vm_args(const struct vm_spec *spec, struct strv *argv)
{
	add_machine(spec, argv);
	add_boot(spec, argv);
	add_disk(spec, VM_SYSTEM, "qcow2", "system", argv);
	if (spec->conf->data_bytes)
		add_disk(spec, VM_DATA, "qcow2", "data", argv);
	if (spec->conf->swap_bytes)
		add_disk(spec, VM_SWAP, "raw", "swap", argv);
	add_disk(spec, VM_SEED, "raw", "seed", argv);
	add_network(spec, argv);
	add_channels(spec, argv);
}
