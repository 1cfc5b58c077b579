/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Agents: who they are is what key they have. Source: docs/spec/mip.md */
#include "common/log.h"
#include "remote/mip-line.h"
#include "remote/proxy/proxy.h"
#include "remote/tls.h"

void agent_leave(struct machine *machine, enum mip_goodbye reason)
{
	if (machine->agent)
		log_event("agent-left", "%s", machine->name);
	mip_line_part(&machine->agent, reason);
}

static void on_over(void *owner, const struct err *why)
{
	struct machine *machine = owner;
	log_event("agent-left", "%s: %s", machine->name, why->msg);
	mip_line_freep(&machine->agent);
}

static void on_message(void *owner, const struct mip_message *message)
{
	struct machine *machine = owner;
	struct pairing *pairing = pairing_find(machine->proxy, machine, message->ticket);
	switch (message->type) {
	case MIP_SETUP_RESPONSE:
		if (pairing && !pairing->connected)
			pairing->ops->refused(pairing->owner, message->status);
		return;
	case MIP_ANSWER:
		if (pairing && pairing->ops->answered)
			pairing->ops->answered(pairing->owner, message->challenge);
		return;
	default:
		log_warn("agent of %s: sends what only a proxy sends", machine->name);
		agent_leave(machine, MIP_BROKEN);
	}
}

static const struct mip_line_ops control_ops = { .message = on_message, .over = on_over };

static bool has_key_of(const struct line *line, const struct machine *machine)
{
	char pin[TLS_PIN_LEN + 1];
	return tls_peer_pin(line_ssl(line), pin) == 0 && str_eq(pin, machine->pin);
}

/* The newest registration counts: the one before may be of a line that is gone. */
static void register_agent(struct proxy *proxy, struct line *line, enum mip_version version,
			   const struct mip_message *handshake, const void *rest, size_t rest_len)
{
	struct machine *machine = machines_find(&proxy->machines, handshake->identifier);
	if (!machine || handshake->identifier_type != MIP_VIRTUAL_MACHINE ||
	    !has_key_of(line, machine)) {
		log_warn("an agent that says it stands for '%s' %s", handshake->identifier,
			 machine ? "has another key" : "is not known");
		struct mip_line *stranger = mip_line_new(proxy->lines, line, version, NULL, NULL);
		mip_line_part(&stranger, MIP_NOT_WELCOME);
		return;
	}
	agent_leave(machine, MIP_REPLACED);
	machine->agent = mip_line_new(proxy->lines, line, version, &control_ops, machine);
	log_event("agent-registered", "%s", machine->name);
	if (rest_len > 0)
		mip_line_feed(machine->agent, rest, rest_len);
}

/* A ticket is good for the agent that it was sent to, and once. */
static void take_data_line(struct proxy *proxy, struct line *line,
			   const struct mip_message *response, const void *rest, size_t rest_len)
{
	struct pairing *pairing = pairing_find(proxy, NULL, response->ticket);
	if (pairing && !pairing->connected && response->status == MIP_CONNECTED &&
	    has_key_of(line, pairing->machine)) {
		pairing->connected = true;
		pairing->ops->connected(pairing->owner, line, rest, rest_len);
		return;
	}
	log_warn("a data line with a ticket that is not good");
	line_close(&line);
}

void agent_arrived(struct proxy *proxy, struct line *line, enum mip_version version,
		   const struct mip_message *message, const void *rest, size_t rest_len)
{
	if (message->type == MIP_HANDSHAKE) {
		register_agent(proxy, line, version, message, rest, rest_len);
	} else if (message->type == MIP_SETUP_RESPONSE) {
		take_data_line(proxy, line, message, rest, rest_len);
	} else {
		log_warn("an agent begins with what is no beginning");
		line_close(&line);
	}
}
