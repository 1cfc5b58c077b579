/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel that the host runs, for guests that bring none (Boot: host-kernel). */
#ifndef WAYBILL_HOST_KERNEL_H
#define WAYBILL_HOST_KERNEL_H

#include "appliance/host.h"

/* Beside the overlay: the release whose modules are in it. */
#define KERNEL_RELEASE_FILE "kernel-release"

struct host_kernel {
	char *release; /* "6.1.0-50-amd64" */
	char *kernel;  /* boot/vmlinuz-<release> */
	char *initrd;  /* boot/initrd.img-<release> */
	char *modules; /* lib/modules/<release> */
};
void host_kernel_destroy(struct host_kernel *kernel);

/* The running kernel's files; with Host-Kernel in the host's configuration, the newest
 * kernel's below that directory. Errors: ERR_NOT_FOUND (which file is missing). */
int host_kernel_find(const struct host *host, struct host_kernel *out, struct err *err) _must_check_;

/* Whether the unit's overlay was made for the kernel that a guest would get now. A kernel
 * that cannot be found is no reason to take away what works. */
bool host_kernel_is_current(const struct host *host, const char *unit);

/* Record what the unit's overlay was made for; NULL: it brings its own kernel. */
int host_kernel_record(const struct host *host, const char *unit,
		       const struct host_kernel *kernel, struct err *err) _must_check_;

#endif
