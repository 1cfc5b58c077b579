/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of the installer's own components (udebs) a stick carries. */
#ifndef WAYBILL_UDEBS_H
#define WAYBILL_UDEBS_H

#include "common/deb822.h"
#include "common/err.h"
#include "preseed/remote-files.h"

/* What is in the installer already, in the form of dpkg's status. */
struct udebs_present {
	const struct deb822 *initrd;
	const struct deb822 *extra;	/* of --extra, or NULL */
};

/* Add those of `index` that this installer fetches, or may ask for when it has seen the machine,
 * with what they depend on: of its own kernel or of none, and not present. uri is the archive's,
 * with a slash at the end, place its name on the stick.
 * Errors: ERR_NOT_FOUND (none fits the installer's kernel), ERR_INPUT. */
int udebs_add(const struct deb822 *index, const struct udebs_present *present, const char *uri,
	      const char *place, struct remote_files *files, struct err *err) _must_check_;

#endif
