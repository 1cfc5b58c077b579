/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way to a domain's guest agent: libvirt's. */
#ifndef WAYBILL_DOMAIN_AGENT_H
#define WAYBILL_DOMAIN_AGENT_H

#include "common/agent.h"
#include "appliance/domain.h"

/* The agent of a running domain; whether one answers shows at the first call. hv must
 * outlive it. Free with domain_agent_free().
 * Errors: ERR_NOT_FOUND; ERR_REFUSED (the domain is off or paused). */
int domain_agent_open(struct hypervisor *hv, const char *domain, struct agent **out,
		      struct err *err) _must_check_;
void domain_agent_free(struct agent *agent);
DEFINE_FREEP(struct agent, domain_agent_free)

#endif
