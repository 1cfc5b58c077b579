/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `Graphics: vnc` behind a proxy: an agent on the host, in front of QEMU's own VNC server.
 * Source: docs/spec/instance.md, "Screen" */
#ifndef WAYBILL_SCREEN_AGENT_H
#define WAYBILL_SCREEN_AGENT_H

#include "appliance/domain.h"
#include "appliance/host.h"
#include "appliance/settings.h"
#include "common/strbuf.h"

/* Below instances/<unit>/. The first is QEMU's, the second the agent's to read. */
#define SCREEN_DIR "screen"
#define SCREEN_SOCKET SCREEN_DIR "/vnc"
#define SCREEN_AGENT_DIR "agent"
#define SCREEN_AGENT_CONF SCREEN_AGENT_DIR "/vncagent.conf"
#define SCREEN_AGENT_KEY SCREEN_AGENT_DIR "/vncagent.pem"
#define SCREEN_AGENT_USER "_waybill-agent"

/* For a unit that is about to start: a directory that QEMU may make its socket in, and where
 * none but root and the agent may look. Errors: ERR_TOO_LARGE (the path is none for a socket). */
int screen_prepare(const struct host *host, struct hypervisor *hv, const char *unit,
		   struct err *err) _must_check_;

/* The instance `name` has an agent if it is up and has all that one needs, and else none.
 * Errors: ERR_NOT_FOUND (waybill-agent is not installed), ERR_INPUT (its IDENTITY is none),
 * ERR_PROGRAM. */
int screen_agent_sync(struct host *host, struct hypervisor *hv, const char *name,
		      struct err *err) _must_check_;

/* End the agent of `unit` and remove its key; none is success. */
int screen_agent_stop(const struct host *host, const char *unit, struct err *err) _must_check_;

/* For people: whether it runs, or what it lacks. Free it. */
char *screen_agent_describe(const struct host *host, const struct instance *inst,
			    const struct settings *settings);

/* The vncagent.conf of an agent with this key for the VNC server at the socket `endpoint`. */
void screen_agent_format(const struct settings *settings, const char *identity,
			 const char *endpoint, struct strbuf *out);

/* --- screen-run.c: an agent's process, under systemd or without ---------------------------- */

/* "waybill-vncagent@<unit, as systemd escapes it>.service". Free it. */
char *screen_systemd_unit(const char *unit);

bool screen_run_is_up(const struct host *host, const char *unit);
/* One that runs already is success. */
int screen_run_start(const struct host *host, const char *unit, struct err *err) _must_check_;
/* Returns when it has ended. */
int screen_run_stop(const struct host *host, const char *unit, struct err *err) _must_check_;

#endif
