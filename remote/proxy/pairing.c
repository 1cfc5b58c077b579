/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/proxy/pairing.h"

#include <nettle/memops.h>
#include <string.h>
#include <sys/random.h>

#include "remote/mip-line.h"
#include "remote/proxy/proxy.h"

enum { TICKET_TRIES = 64 };

/* Of MiP 1 it has 16 bits, and may not be had any more; none is in use twice at a time. */
static int make_ticket(struct proxy *proxy, enum mip_version version, uint8_t ticket[MIP_TICKET_BYTES])
{
	size_t bytes = version == MIP_1 ? 2 : MIP_TICKET_BYTES;
	memset(ticket, 0, MIP_TICKET_BYTES);
	for (int i = 0; i < TICKET_TRIES; i++) {
		(void)!getrandom(ticket + MIP_TICKET_BYTES - bytes, bytes, 0);
		if (!pairing_find(proxy, NULL, ticket))
			return 0;
	}
	return -1;
}

int pairing_begin(struct pairing *pairing, struct proxy *proxy, struct machine *machine,
		  const char *host, uint16_t port, const struct pairing_ops *ops, void *owner)
{
	struct mip_message request = { .type = MIP_SETUP_REQUEST, .endpoint_port = port };
	*pairing = (struct pairing){ .proxy = proxy, .next = proxy->pairings, .ops = ops,
				     .owner = owner };
	if (make_ticket(proxy, mip_line_version(machine->agent), pairing->ticket) < 0)
		return -1;
	pairing->machine = machine;
	proxy->pairings = pairing;
	memcpy(request.ticket, pairing->ticket, MIP_TICKET_BYTES);
	snprintf(request.endpoint_host, sizeof(request.endpoint_host), "%s", host);
	mip_line_send(machine->agent, &request);
	return 0;
}

void pairing_end(struct pairing *pairing)
{
	if (!pairing->machine)
		return;
	struct pairing **p = &pairing->proxy->pairings;
	while (*p != pairing)
		p = &(*p)->next;
	*p = pairing->next;
	pairing->machine = NULL;
}

int pairing_challenge(struct pairing *pairing, const uint8_t *challenge)
{
	struct mip_message message = { .type = MIP_CHALLENGE };
	struct mip_line *agent = pairing->machine->agent;
	if (!agent || mip_line_version(agent) != MIP_2)
		return -1;
	memcpy(message.ticket, pairing->ticket, MIP_TICKET_BYTES);
	memcpy(message.challenge, challenge, MIP_CHALLENGE_BYTES);
	mip_line_send(agent, &message);
	return 0;
}

struct pairing *pairing_find(struct proxy *proxy, const struct machine *machine,
			     const uint8_t ticket[MIP_TICKET_BYTES])
{
	for (struct pairing *p = proxy->pairings; p; p = p->next)
		if ((!machine || p->machine == machine) &&
		    memeql_sec(p->ticket, ticket, MIP_TICKET_BYTES))
			return p;
	return NULL;
}
