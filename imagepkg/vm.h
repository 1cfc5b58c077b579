/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A private QEMU that runs an image for a while. Needs neither libvirt nor root. */
#ifndef WAYBILL_VM_H
#define WAYBILL_VM_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/util.h"
#include "imagepkg/qmp.h"
#include "imagepkg/vm-args.h"

struct vm {
	pid_t pid;		/* 0: it has ended */
	struct qmp qmp;
	char *dir;
	int64_t started_ms;	/* of monotonic_ms() */
};

/* Start QEMU; ports[] receive the host ports. What is left in spec->dir is the caller's.
 * It dies with us. Errors: ERR_PROGRAM, with QEMU's words; ERR_NOT_FOUND (not installed). */
int vm_start(const struct vm_spec *spec, struct port_forward *ports, struct vm **out,
	     struct err *err) _must_check_;

/* Has QEMU ended by itself? */
bool vm_has_ended(struct vm *vm);

/* Push the power button and wait; *obeyed false: it is still on after timeout_ms. */
int vm_power_down(struct vm *vm, int timeout_ms, bool *obeyed, struct err *err) _must_check_;

/* What its screen shows, as a PNG. */
int vm_screenshot(struct vm *vm, const char *path, struct err *err) _must_check_;

/* Ends it by force if it runs. */
void vm_free(struct vm *vm);
DEFINE_FREEP(struct vm, vm_free)

#endif
