/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel modules into a guest's disk, without mounting it. */
#ifndef WAYBILL_INJECT_H
#define WAYBILL_INJECT_H

#include "common/err.h"

/* Copy the tree `modules` to lib/modules/<release> (below usr where the guest's lib is a
 * link) of the root file system in the qcow2 `disk`, which nobody uses, in the place of what
 * is there. All becomes root's. On error the disk is to be thrown away.
 * Errors: ERR_REFUSED (no ext2, ext3 or ext4 with a root in it, or one that is not clean or
 * is not understood), ERR_NO_SPACE, ERR_INPUT, ERR_PROGRAM. Source: docs/spec/instance.md */
int inject_modules(const char *disk, const char *modules, const char *release,
		   struct err *err) _must_check_;

#endif
