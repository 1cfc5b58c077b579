/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may take packages from this site. Links nothing heavy: pkgmgrd asks, too.
 * Source: docs/spec/pkgmgr-conf.md, "Serve-To" */
#ifndef PKGMGR_NEIGHBOURS_H
#define PKGMGR_NEIGHBOURS_H

#include "common/root.h"
#include "common/strv.h"

/* Append their networks: those of pkgmgr.conf, else of the last good list, as the schedule has
 * them. Errors: ERR_USAGE, ERR_INPUT (what is in one of them). */
int neighbours_read(const struct root *root, struct strv *networks, struct err *err) _must_check_;

#endif
