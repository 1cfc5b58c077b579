/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/health.h"

#include "appliance/domain-agent.h"

struct target {
	struct hypervisor *hv;
	const char *domain;
};

static int open_agent(void *ctx, struct agent **out, struct err *err)
{
	const struct target *target = ctx;
	return domain_agent_open(target->hv, target->domain, out, err);
}

int health_run(struct hypervisor *hv, const char *domain,
	       const struct appliance_conf *conf, const char *address,
	       struct health_round *out, struct err *err)
{
	struct domain_facts facts;
	struct target target = { hv, domain };
	*out = (struct health_round){ 0 };
	if (domain_look(hv, domain, &facts, err) < 0)
		return -1;
	/* QEMU's forwards take connections for a guest that is frozen. */
	if (facts.state != DOMAIN_RUNNING) {
		_cleanup_free_ char *why =
			xasprintf("the guest is %s", domain_state_name(facts.state));
		health_round_fail(conf, why, out);
		return 0;
	}
	health_look(&(struct health_guest){ .conf = conf,
					    .address = address,
					    .ctx = &target,
					    .open_agent = open_agent,
					    .close_agent = domain_agent_free },
		    out);
	return 0;
}
