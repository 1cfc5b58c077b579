/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Start-After: which appliances must be up, and healthy, before one starts. */
#ifndef WAYBILL_ORDER_H
#define WAYBILL_ORDER_H

#include "appliance/domain.h"
#include "appliance/host.h"
#include "common/appliance-conf.h"

/* Add what `name` waits for, from the settings of the version that it wants; nothing for one
 * that is not here or cannot be read, which is told elsewhere. */
void order_start_after(struct host *host, const char *name, struct strv *out);

/* *why: what the instance `name` with this conf waits for, as in "db is not healthy yet", or
 * NULL if it may start. Free it. Errors: ERR_INCONSISTENT (they wait for each other in a circle). */
int order_blocked(struct host *host, struct hypervisor *hv, const char *name,
		  const struct appliance_conf *conf, char **why, struct err *err) _must_check_;

#endif
