/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A data line that an agent has been asked for: by a session or a tunnel, in which it is embedded.
 * Source: docs/spec/mip.md, "A session" */
#ifndef WAYBILL_PAIRING_H
#define WAYBILL_PAIRING_H

#include <stdbool.h>
#include <stdint.h>

#include "remote/line.h"
#include "remote/mip.h"

struct machine;
struct proxy;

struct pairing_ops {
	/* The data line is there, and the owner's; `rest` has come on it already. */
	void (*connected)(void *owner, struct line *line, const void *rest, size_t len);
	/* There will be none. */
	void (*refused)(void *owner, uint8_t status);
	/* To pairing_challenge(). */
	void (*answered)(void *owner, const uint8_t *response);
};

struct pairing {
	struct proxy *proxy;
	struct pairing *next;
	struct machine *machine; /* NULL: not begun */
	bool connected;
	uint8_t ticket[MIP_TICKET_BYTES];
	const struct pairing_ops *ops;
	void *owner;
};

/* Ask the machine's agent, which must be there, for a data line to one of its endpoints; no host and
 * port 0: the VNC server. Then one of connected() and refused() is called, or neither, ever.
 * Returns -1, and has not begun, if no ticket is free. */
int pairing_begin(struct pairing *pairing, struct proxy *proxy, struct machine *machine,
		  const char *host, uint16_t port, const struct pairing_ops *ops, void *owner);
/* Forget it; nothing is called any more. One that has not begun is well. */
void pairing_end(struct pairing *pairing);

/* Pass the VNC server's challenge on to the agent. Returns -1 if it cannot be asked. */
int pairing_challenge(struct pairing *pairing, const uint8_t *challenge);

/* The one with this ticket, of a machine or (NULL) of any; NULL: there is none. */
struct pairing *pairing_find(struct proxy *proxy, const struct machine *machine,
			     const uint8_t ticket[MIP_TICKET_BYTES]);

#endif
