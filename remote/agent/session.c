/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session of the agent: its endpoint and a data line, joined. */
#include <errno.h>

#include <nettle/memops.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "remote/agent/agent.h"
#include "remote/dial.h"
#include "remote/relay.h"
#include "remote/vnc-auth.h"

enum {
	ENDPOINT_MS = 5000,
	PROXY_MS = 10000,
	PASSWORD_BYTES = 256,
};

struct agent_session {
	struct agent *agent;
	struct agent_session *next;
	uint8_t ticket[MIP_TICKET_BYTES];
	struct dial *dial;
	int endpoint; /* a socket, until the data line is there as well */
	struct call *call;
	struct relay *relay;
};

static void free_session(struct agent_session *session)
{
	struct agent *agent = session->agent;
	for (struct agent_session **p = &agent->sessions; *p; p = &(*p)->next) {
		if (*p == session) {
			*p = session->next;
			break;
		}
	}
	agent->session_count--;
	dial_cancel(&session->dial);
	call_cancel(&session->call);
	closep(&session->endpoint);
	relay_freep(&session->relay);
	loop_bury(agent->loop, session, free);
}

void agent_sessions_end(struct agent *agent)
{
	while (agent->sessions)
		free_session(agent->sessions);
}

/* On the control line: there will be no data line, and why. */
static void refuse(struct agent *agent, const uint8_t ticket[MIP_TICKET_BYTES], uint8_t status)
{
	struct mip_message response = { .type = MIP_SETUP_RESPONSE, .status = status };
	memcpy(response.ticket, ticket, MIP_TICKET_BYTES);
	if (agent->control)
		mip_line_send(agent->control, &response);
}

static void give_up(struct agent_session *session, uint8_t status)
{
	refuse(session->agent, session->ticket, status);
	free_session(session);
}

static void on_relay_ended(void *arg, const struct err *why)
{
	log_debug("a session has ended: %s", why ? why->msg : "both ends have finished");
	free_session(arg);
}

static void on_called(void *arg, struct line *line, const struct err *why)
{
	struct agent_session *session = arg;
	struct agent *agent = session->agent;
	_cleanup_err_ struct err err = ERR_INIT;
	session->call = NULL;
	if (!line) {
		log_warn("data line: %s", why->msg);
		give_up(session, MIP_AGENT_FAILED);
		return;
	}
	/* It says nothing before the relay has it: nothing is read until we return. */
	const struct relay_conf conf = { .ended = on_relay_ended, .arg = session };
	struct line *endpoint = line_new(agent->lines, steal_fd(&session->endpoint), NULL, NULL,
					 &err);
	if (!endpoint) {
		line_close(&line);
		give_up(session, MIP_AGENT_FAILED);
		return;
	}
	struct mip_message response = { .type = MIP_SETUP_RESPONSE, .status = MIP_CONNECTED };
	_cleanup_strbuf_ struct strbuf bytes = STRBUF_INIT;
	memcpy(response.ticket, session->ticket, MIP_TICKET_BYTES);
	mip_write(MIP_2, &response, &bytes);
	line_send(line, bytes.data, bytes.len);
	session->relay = relay_new(agent->lines, line, endpoint, &conf);
}

static void on_endpoint(void *arg, int fd, const struct err *why)
{
	struct agent_session *session = arg;
	session->dial = NULL;
	if (fd < 0) {
		/* A path without a socket is a port that nobody listens on. */
		bool nobody = why->sys_errno == ECONNREFUSED || why->sys_errno == ENOENT;
		log_warn("endpoint: %s", why->msg);
		give_up(session, why->code == ERR_TIMEOUT ? MIP_NO_ANSWER
				 : nobody		    ? MIP_NOBODY_LISTENS
							    : MIP_AGENT_FAILED);
		return;
	}
	session->endpoint = fd;
	session->call = call_start(session->agent->lines, &session->agent->proxy, PROXY_MS,
				   on_called, session);
}

void agent_session_start(struct agent *agent, const struct mip_message *request)
{
	const struct endpoint *endpoint = agent_conf_endpoint(agent->conf, request->endpoint_host,
							      request->endpoint_port);
	if (!endpoint) {
		log_warn("the proxy asks for %s port %u, which is not allowed",
			 request->endpoint_host, request->endpoint_port);
		refuse(agent, request->ticket, MIP_NOT_ALLOWED);
		return;
	}
	if (agent->session_count >= agent->conf->max_sessions) {
		refuse(agent, request->ticket, MIP_TOO_MANY);
		return;
	}
	struct agent_session *session = xcalloc(1, sizeof(*session));
	session->agent = agent;
	session->endpoint = -1;
	session->next = agent->sessions;
	agent->sessions = session;
	agent->session_count++;
	memcpy(session->ticket, request->ticket, MIP_TICKET_BYTES);
	session->dial = dial_start(agent->loop, endpoint->host, endpoint->port, ENDPOINT_MS,
				   on_endpoint, session);
}

/* --- the VNC server's password ------------------------------------------------------------ */

/* The first line of its file, read anew each time: it may have been changed. */
static int respond(const struct agent *agent, const uint8_t *challenge, uint8_t *response,
		   struct err *err)
{
	_cleanup_free_ char *password = NULL;
	size_t len = 0;
	if (!agent->conf->password_file)
		return err_set(err, ERR_USAGE, "the VNC server wants a password; set "
					       "Password-File");
	if (file_read(agent->conf->password_file, PASSWORD_BYTES, &password, &len, err) < 0)
		return -1;
	password[strcspn(password, "\r\n")] = '\0';
	struct vnc_key key;
	vnc_key_init(&key, password);
	vnc_key_respond(&key, challenge, response);
	explicit_bzero(password, len);
	explicit_bzero(&key, sizeof(key));
	return 0;
}

/* Only for a session of ours: what the proxy could ask otherwise is an oracle. */
void agent_session_challenge(struct agent *agent, const struct mip_message *challenge)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct mip_message answer = { .type = MIP_ANSWER };
	struct agent_session *session = agent->sessions;
	while (session && !memeql_sec(session->ticket, challenge->ticket, MIP_TICKET_BYTES))
		session = session->next;
	if (!session || !session->relay)
		return;
	if (respond(agent, challenge->challenge, answer.challenge, &err) < 0) {
		log_warn("%s", err.msg);
		free_session(session);
		return;
	}
	memcpy(answer.ticket, challenge->ticket, MIP_TICKET_BYTES);
	mip_line_send(agent->control, &answer);
}
