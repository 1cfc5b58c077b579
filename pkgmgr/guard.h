/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What no list can make a site do: the last word on a plan before anything moves. */
#ifndef PKGMGR_GUARD_H
#define PKGMGR_GUARD_H

#include "common/site-list.h"
#include "pkgmgr/plan.h"

/* Refuse a plan that removes Essential, Important or Protected packages, the
 * running kernel, Waybill itself, packages of other origins (unless Scope: all, or an old kernel),
 * or more than Max-Removals. Errors: ERR_REFUSED, with every reason. */
int guard_check(const struct plan *plan, const struct site_list *list, struct err *err)
	_must_check_;

#endif
