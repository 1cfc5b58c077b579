/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Debian's own installer: kernel and initrd of its netboot package. */
#ifndef WAYBILL_INSTALLER_H
#define WAYBILL_INSTALLER_H

#include "common/err.h"

#define INSTALLER_SUITE "trixie"
#define INSTALLER_PACKAGE "debian-installer-13-netboot-amd64"

/* Write linux and initrd.gz into the directory `to`, from the package that is fetched from
 * `mirror` (NULL: where this machine's apt gets its packages) into `cache`, and verified by
 * apt. If the mirror cannot be reached, the one that is in the cache serves.
 * Errors: ERR_PROGRAM (apt), ERR_INPUT (no such files in it). */
int installer_get(const char *cache, const char *mirror, const char *to,
		  struct err *err) _must_check_;

#endif
