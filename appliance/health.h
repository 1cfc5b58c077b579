/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One round of the health checks of a running domain. */
#ifndef WAYBILL_HEALTH_H
#define WAYBILL_HEALTH_H

#include "common/health.h"

struct hypervisor;

/* Run every check of `conf` once against the running domain.
 * address: as in struct health_guest.
 * Returns 0 also when the guest is sick: that is what *out tells; -1 only when we could
 * not look (*out is empty then). Errors: those of domain_look(). */
int health_run(struct hypervisor *hv, const char *domain, const struct appliance_conf *conf,
	       const char *address, struct health_round *out, struct err *err) _must_check_;

#endif
