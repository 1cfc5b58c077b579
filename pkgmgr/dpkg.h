/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dpkg's own database says, read without libapt-pkg, and its repair after a
 * sync or dpkg was killed. */
#ifndef PKGMGR_DPKG_H
#define PKGMGR_DPKG_H

#include <stdbool.h>

#include "common/err.h"
#include "common/root.h"
#include "common/strv.h"

struct dpkg_status {
	struct strv installed;	/* names without architecture, sorted */
	bool needs_repair;	/* unpacked or half-configured packages, or a journal */
};

/* Parse the text of a status file. Errors: ERR_INPUT. */
void dpkg_status_parse(const char *text, struct dpkg_status *status);
/* Read <root>/var/lib/dpkg. */
int dpkg_status_read(const struct root *root, struct dpkg_status *status, struct err *err)
	_must_check_;
void dpkg_status_destroy(struct dpkg_status *status);

/* Wait until nobody holds dpkg's locks, such as a dpkg whose parent was killed.
 * libapt-pkg's own lock does not serve: it gives up where a journal is left.
 * Errors: ERR_BUSY after timeout_s. */
int dpkg_wait(const struct root *root, unsigned timeout_s, struct err *err) _must_check_;

/* `dpkg --configure -a`. Errors: ERR_PROGRAM. */
int dpkg_configure_all(const struct root *root, struct err *err) _must_check_;

/* Compare the files of these packages with what was installed: dpkg --verify. Its
 * findings, one a line, are appended to `findings`. */
int dpkg_verify(const struct root *root, const struct strv *packages, struct strv *findings,
		struct err *err) _must_check_;

#endif
