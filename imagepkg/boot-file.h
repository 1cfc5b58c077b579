/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernels and initrds without the compression inside them: a package is compressed as
 * a whole, and a delta between two plain files is small. */
#ifndef WAYBILL_BOOT_FILE_H
#define WAYBILL_BOOT_FILE_H

#include <stddef.h>

#include "common/err.h"

/* Replace the initrd `path` by one in which nothing is compressed; one that is plain
 * already stays as it is. An initrd is any number of plain cpio archives (microcode) and
 * at most one compressed one, which is the last.
 * Errors: ERR_INPUT (no initrd), ERR_TOO_LARGE.
 * Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst */
int initrd_make_plain(const char *path, struct err *err) _must_check_;

/* Length of the leading plain cpio archives (newc) in data, padding included; 0 if it
 * does not begin with one, -1 with ERR_INPUT if one is broken. */
int initrd_plain_length(const void *data, size_t len, size_t *plain, struct err *err) _must_check_;

/* Replace the x86 bzImage `path` by the ELF image inside it, which QEMU and Xen start
 * through its PVH entry. Errors: ERR_INPUT (no bzImage, or no ELF in it).
 * Source: Linux, Documentation/arch/x86/boot.rst (payload_offset, payload_length) */
int kernel_make_plain(const char *path, struct err *err) _must_check_;

/* Zero the BTF section of the ELF image `path`: a tenth of its compressed size, read by
 * BPF programs alone. An image without one stays as it is. Errors: ERR_INPUT (no ELF). */
int kernel_drop_btf(const char *path, struct err *err) _must_check_;

#endif
