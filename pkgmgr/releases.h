/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time as the repository tells it: the floors and ceilings that apt does not hold
 * against an attacker who serves old, rightly signed indexes. */
#ifndef PKGMGR_RELEASES_H
#define PKGMGR_RELEASES_H

#include "common/site-list.h"
#include "pkgmgr/pkgmgr.h"

/* Check each Release of our origin: not older than the last one that was seen, nor
 * than the list's Repository-Not-Before, and not past its Valid-Until. The dates are
 * remembered in state.db. Errors: ERR_EXPIRED. */
int releases_check(const struct pkgmgr *m, const struct site_list *list, int64_t now,
		   struct err *err) _must_check_;

#endif
