/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/cmd-guest.h"

#include "appliance/instance.h"

static int need_running(struct hypervisor *hv, const char *domain, const char *name,
			struct err *err)
{
	struct domain_facts facts;
	if (domain_look(hv, domain, &facts, err) < 0)
		return -1;
	if (facts.state == DOMAIN_RUNNING)
		return 0;
	bool paused = facts.state == DOMAIN_PAUSED;
	return err_set(err, ERR_REFUSED,
		       "%s is %s, and nobody in it can answer; 'appliance %s %s' first",
		       name, domain_state_name(facts.state), paused ? "resume" : "start",
		       name);
}

int cmd_open_domain(struct cli *cli, const char *name, struct hypervisor **out_hv,
		    char **out_domain, struct err *err)
{
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_(instance_freep) struct instance *inst = NULL;
	if (cmd_open_host(cli, &host, err) < 0 ||
	    instance_load(host->state, name, &inst, err) < 0 ||
	    hypervisor_open(host->libvirt_uri, out_hv, err) < 0)
		return -1;
	*out_domain = root_domain_name(&host->root, inst->unit);
	return 0;
}

int cmd_open_guest(struct cli *cli, const char *name, struct guest *guest,
		   struct err *err)
{
	*guest = (struct guest){ 0 };
	_cleanup_(hypervisor_freep) struct hypervisor *hv = NULL;
	_cleanup_free_ char *domain = NULL;
	if (cmd_open_domain(cli, name, &hv, &domain, err) < 0 ||
	    need_running(hv, domain, name, err) < 0 ||
	    domain_agent_open(hv, domain, &guest->agent, err) < 0)
		return -1;
	guest->hv = steal(&hv);
	return 0;
}

void guest_close(struct guest *guest)
{
	domain_agent_free(guest->agent);
	hypervisor_free(guest->hv);
	*guest = (struct guest){ 0 };
}

int cmd_guest_path(const char *text, const char **path, struct err *err)
{
	if (text[0] != '/')
		return err_set(err, ERR_USAGE,
			       "'%.200s' is no path in the guest: it must begin with '/'",
			       text);
	if (str_ends(text, "/"))
		return err_set(err, ERR_USAGE,
			       "'%.200s' is a directory; name a file in it", text);
	*path = text;
	return 0;
}
