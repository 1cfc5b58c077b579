/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent: keeps a control line to the proxy and opens data lines when it is asked.
 * Source: docs/spec/mip.md */
#ifndef WAYBILL_AGENT_H
#define WAYBILL_AGENT_H

#include "remote/agent/conf.h"
#include "remote/line.h"
#include "remote/mip-line.h"

struct agent_session;

struct agent {
	struct loop *loop;
	struct lines *lines;
	const struct agent_conf *conf;
	struct call_conf proxy; /* conf's, with TLS */
	/* The control line: being called, there, or waiting to be called again. */
	struct call *call;
	struct mip_line *control;
	struct loop_timer again;
	unsigned failures; /* in a row */
	struct agent_session *sessions; /* a list */
	unsigned session_count;
};

/* Run until TERM or INT. conf is borrowed. */
int agent_run(const struct agent_conf *conf, struct err *err) _must_check_;

/* --- agent-session.c ---------------------------------------------------------------------- */

/* The proxy asks for a data line. What becomes of it is told to the proxy, not to the caller. */
void agent_session_start(struct agent *agent, const struct mip_message *request);
/* The VNC server's challenge of a session, to be answered with our password. */
void agent_session_challenge(struct agent *agent, const struct mip_message *challenge);
void agent_sessions_end(struct agent *agent);

#endif
