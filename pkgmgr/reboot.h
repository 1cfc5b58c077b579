/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether this machine needs a reboot, and which was the last one that we asked for.
 * Source: docs/spec/self-care.md, "Reboots". Links nothing heavy: pkgmgrd asks it, too. */
#ifndef WAYBILL_PKGMGR_REBOOT_H
#define WAYBILL_PKGMGR_REBOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/root.h"
#include "common/strv.h"

/* *reason: why, in words, to free; NULL: none is needed. running: release of the kernel
 * that runs. Errors: ERR_SYSTEM (/boot cannot be listed). */
int reboot_reason(const struct root *root, const char *running, char **reason,
		  struct err *err) _must_check_;

/* Write /run/reboot-required for these packages, beside what others wrote. */
int reboot_require(const struct root *root, const struct strv *packages, struct err *err)
	_must_check_;

/* Whether a reboot for this reason, now, would only repeat what did not help, or follow
 * the last one too soon. Errors: ERR_REFUSED, with the words for it. */
int reboot_check_repeat(const struct root *root, const char *reason, int64_t now,
			struct err *err) _must_check_;

/* Remember one that is about to be asked for; forget it when that failed. */
int reboot_remember(const struct root *root, const char *reason, int64_t now, struct err *err)
	_must_check_;
int reboot_forget(const struct root *root, struct err *err) _must_check_;

#endif
