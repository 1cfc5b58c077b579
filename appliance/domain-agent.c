/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/domain-agent.h"

#include <libvirt/libvirt-qemu.h>

#include "appliance/domain-conn.h"

#define AGENT_CHANNEL "org.qemu.guest_agent.0"

/* libvirt's one code for "nobody ever opened the channel in the guest" and "somebody has,
 * and is silent"; the channel's state in the live XML tells them apart. */
static bool is_connected(virDomainPtr dom)
{
	_cleanup_free_ char *xml = virDomainGetXMLDesc(dom, 0);
	const char *channel = xml ? strstr(xml, "name='" AGENT_CHANNEL "'") : NULL;
	if (!channel)
		return false;
	const char *end = strchr(channel, '>');
	const char *state = strstr(channel, "state='connected'");
	return end && state && state < end;
}

static int explain(virDomainPtr dom, struct err *err)
{
	virErrorPtr last = virGetLastError();
	_cleanup_free_ char *why = xstrdup(
		last && last->message ? last->message : "libvirt does not say why");
	switch (last ? last->code : 0) {
	case VIR_ERR_AGENT_UNRESPONSIVE:
	case VIR_ERR_AGENT_UNSYNCED:
		if (is_connected(dom))
			return err_set(err, ERR_TIMEOUT,
				       "the guest agent does not answer");
		return err_set(
			err, ERR_NETWORK,
			"no guest agent runs in the guest (yet); it is in Debian's "
			"package qemu-guest-agent");
	case VIR_ERR_ARGUMENT_UNSUPPORTED:
	case VIR_ERR_CONFIG_UNSUPPORTED:
	case VIR_ERR_OPERATION_UNSUPPORTED:
	case VIR_ERR_NO_SUPPORT:
		return err_set(err, ERR_NETWORK, "there is no way to a guest agent: %s",
			       why);
	case VIR_ERR_OPERATION_INVALID:
		return err_set(err, ERR_NETWORK, "the guest does not run: %s", why);
	default:
		return err_set(err, ERR_PROGRAM, "the guest agent: %s", why);
	}
}

struct connected_agent {
	struct agent agent; /* first: the two are freed as one */
	virDomainPtr dom;
};

static int call(void *ctx, const char *command, int timeout_seconds, char **answer,
		struct err *err)
{
	struct connected_agent *c = ctx;
	*answer = virDomainQemuAgentCommand(c->dom, command, timeout_seconds, 0);
	return *answer ? 0 : explain(c->dom, err);
}

int domain_agent_open(struct hypervisor *hv, const char *domain, struct agent **out,
		      struct err *err)
{
	*out = NULL;
	struct domain_facts facts;
	_cleanup_(virt_domain_freep) virDomainPtr dom = NULL;
	if (domain_look(hv, domain, &facts, err) < 0 ||
	    virt_need_domain(hv, domain, &dom, err) < 0)
		return -1;
	if (facts.state != DOMAIN_RUNNING)
		return err_set(err, ERR_REFUSED, "the guest is %s",
			       domain_state_name(facts.state));
	struct connected_agent *c = xcalloc(1, sizeof(*c));
	c->dom = steal(&dom);
	c->agent = (struct agent){ .ctx = c, .call = call };
	/* How long libvirt waits for the sync in front of each command. */
	(void)virDomainAgentSetResponseTimeout(c->dom, AGENT_CALL_SECONDS, 0);
	*out = &c->agent;
	return 0;
}

void domain_agent_free(struct agent *agent)
{
	if (!agent)
		return;
	struct connected_agent *c = agent->ctx;
	virDomainFree(c->dom);
	free(c);
}
