/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which packages an installation needs, asked of apt in the order in which the installer asks
 * it: first the base system of the release, then all else on top of that. */
#ifndef WAYBILL_CLOSURE_H
#define WAYBILL_CLOSURE_H

#include "common/err.h"
#include "common/strv.h"
#include "preseed/apt-root.h"
#include "preseed/remote-files.h"

struct closure {
	const struct strv *base_sources; /* lines of sources.list: the release alone */
	const struct strv *base;	 /* what is installed with the base system: the kernel */
	const struct strv *sources;	 /* and with its updates, and the operator's suite */
	const struct strv *packages;	 /* what is installed on top, without a boot loader */
};

/* Add all packages that are fetched on a machine with BIOS or with UEFI, without Recommends:
 * the base system and what comes with it in the release's version, since the installer knows no
 * other suite until that is done, and what is installed then, or replaced for it.
 * Errors: ERR_PROGRAM with apt's words (a package that it does not know, or cannot install). */
int closure_find(const struct closure *closure, const struct apt_root *apt,
		 struct remote_files *out, struct err *err) _must_check_;

#endif
