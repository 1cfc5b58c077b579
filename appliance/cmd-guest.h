/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands share that go through the guest agent: exec, put, get. */
#ifndef WAYBILL_CMD_GUEST_H
#define WAYBILL_CMD_GUEST_H

#include "appliance/agent-file.h"
#include "appliance/cmd.h"
#include "appliance/domain-agent.h"

struct guest {
	struct hypervisor *hv;
	struct agent *agent;
};

/* The hypervisor, and the name of the instance's domain, which need not be there; the caller
 * frees both. Errors: ERR_NOT_FOUND (no such instance); ERR_NETWORK. */
int cmd_open_domain(struct cli *cli, const char *name, struct hypervisor **out_hv,
		    char **out_domain, struct err *err) _must_check_;

/* The agent of a running instance. The host's lock is not taken: these commands may last,
 * and what they ask fails by itself when the domain goes.
 * Errors: ERR_NOT_FOUND; ERR_REFUSED (it does not run), with advice; ERR_NETWORK. */
int cmd_open_guest(struct cli *cli, const char *name, struct guest *guest,
		   struct err *err) _must_check_;
void guest_close(struct guest *guest);

/* A path in the guest: absolute, and not a directory's by its looks. */
int cmd_guest_path(const char *text, const char **path, struct err *err) _must_check_;

#endif
