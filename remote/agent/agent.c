/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/agent/agent.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <sys/random.h>

#include "common/log.h"
#include "remote/tls.h"

enum {
	CALL_MS = 5000,
	/* The line has come back: so soon, at the latest, is the proxy called. */
	FIRST_PAUSE_MS = 500,
	LONGEST_PAUSE_MS = 4000,
};

/* Between a half and the whole, so that a thousand agents do not come back as one. */
static int64_t pause_ms(unsigned failures)
{
	uint32_t random = 0;
	int64_t longest = FIRST_PAUSE_MS;
	while (failures-- > 1 && longest < LONGEST_PAUSE_MS)
		longest *= 2;
	(void)!getrandom(&random, sizeof(random), 0);
	return longest / 2 + (int64_t)(random % (uint64_t)(longest / 2 + 1));
}

static void call_again(struct agent *agent, const struct err *why)
{
	int64_t in_ms = pause_ms(++agent->failures);
	log_warn("%s; calling again in %.1f s", why->msg, (double)in_ms / 1000);
	loop_timer_set(agent->loop, &agent->again, in_ms);
}

static void on_over(void *owner, const struct err *why)
{
	struct agent *agent = owner;
	mip_line_freep(&agent->control);
	call_again(agent, why);
}

static void on_message(void *owner, const struct mip_message *message)
{
	struct agent *agent = owner;
	_cleanup_err_ struct err err = ERR_INIT;
	agent->failures = 0;
	switch (message->type) {
	case MIP_SETUP_REQUEST:
		agent_session_start(agent, message);
		return;
	case MIP_CHALLENGE:
		agent_session_challenge(agent, message);
		return;
	default:
		break;
	}
	mip_line_part(&agent->control, MIP_BROKEN);
	err_set(&err, ERR_INPUT, "the proxy sends what an agent sends");
	call_again(agent, &err);
}

static const struct mip_line_ops control_ops = { .message = on_message, .over = on_over };

static void on_called(void *arg, struct line *line, const struct err *why)
{
	struct agent *agent = arg;
	agent->call = NULL;
	if (!line) {
		call_again(agent, why);
		return;
	}
	struct mip_message handshake = { .type = MIP_HANDSHAKE,
					 .identifier_type = MIP_VIRTUAL_MACHINE };
	snprintf(handshake.identifier, sizeof(handshake.identifier), "%s", agent->conf->machine);
	agent->control = mip_line_new(agent->lines, line, MIP_2, &control_ops, agent);
	mip_line_send(agent->control, &handshake);
	log_event("agent-registered", "%s at %s port %u", agent->conf->machine,
		  agent->proxy.host, agent->proxy.port);
}

static void on_again(void *arg)
{
	struct agent *agent = arg;
	agent->call = call_start(agent->lines, &agent->proxy, CALL_MS, on_called, agent);
}

static void on_signal(void *arg, int signo)
{
	struct agent *agent = arg;
	mip_line_part(&agent->control, MIP_STOPS);
	loop_stop(agent->loop);
}

int agent_run(const struct agent_conf *conf, struct err *err)
{
	const int signals[] = { SIGTERM, SIGINT, 0 };
	_cleanup_(loop_freep) struct loop *loop = loop_new(err);
	_cleanup_(lines_freep) struct lines *lines = loop ? lines_new(loop) : NULL;
	struct agent agent = { .loop = loop, .lines = lines, .conf = conf, .proxy = conf->proxy };
	agent.again = (struct loop_timer){ .fire = on_again, .arg = &agent };
	if (!loop)
		return -1;
	agent.proxy.tls = tls_client_new(conf->identity, conf->proxy_pin, conf->proxy_roots,
					 TLS_MIP_2, err);
	int result = -1;
	if (agent.proxy.tls && loop_watch_signals(loop, signals, on_signal, &agent, err) == 0) {
		on_again(&agent);
		result = loop_run(loop, err);
	}
	agent_sessions_end(&agent);
	call_cancel(&agent.call);
	mip_line_freep(&agent.control);
	SSL_CTX_free(agent.proxy.tls);
	return result;
}
