/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of a QEMU that boots an image as a site's libvirt would, from files with
 * fixed names in one directory. Source: docs/spec/instance.md, "Domain". */
#ifndef WAYBILL_VM_ARGS_H
#define WAYBILL_VM_ARGS_H

#include <stdbool.h>

#include "common/appliance-conf.h"
#include "common/strv.h"

#define VM_QEMU "qemu-system-x86_64"
#define VM_SYSTEM "system.qcow2"
#define VM_DATA "data.qcow2"
#define VM_SWAP "swap.img"
#define VM_SEED "seed.iso"
#define VM_CONSOLE "console.log"
#define VM_QMP "qmp.sock"
#define VM_AGENT "agent.sock"
#define VM_UEFI_VARS "uefi-vars.fd"
#define VM_AGENT_CHARDEV "agent"

struct vm_spec {
	const struct appliance_conf *conf; /* the host side of its ports is QEMU's to choose */
	const char *dir;	/* absolute; nothing in it needs escaping */
	bool kvm;
	const char *kernel;	/* or NULL: the disk boots */
	const char *initrd;	/* or NULL */
	const char *uefi_code;	/* or NULL: BIOS */
};

void vm_args(const struct vm_spec *spec, struct strv *argv);

#endif
