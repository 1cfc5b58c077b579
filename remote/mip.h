/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MiP, the protocol between the proxy and its agents: messages from and to bytes.
 * Source: docs/spec/mip.md */
#ifndef WAYBILL_MIP_H
#define WAYBILL_MIP_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strbuf.h"

enum mip_version { MIP_1 = 1, MIP_2 = 2 };

enum mip_type {
	MIP_HANDSHAKE = 0,
	MIP_SETUP_REQUEST = 1,
	MIP_SETUP_RESPONSE = 2,
	/* Version 2 only. */
	MIP_HEARTBEAT = 3,
	MIP_GOODBYE = 4,
	MIP_CHALLENGE = 5,
	MIP_ANSWER = 6,
};

enum mip_identifier_type { MIP_PROXY = 0, MIP_VIRTUAL_MACHINE = 1, MIP_RESOURCE = 2 };

enum mip_status {
	MIP_CONNECTED = 0,
	MIP_AGENT_FAILED = 1,
	MIP_NOT_ALLOWED = 2,
	MIP_NOBODY_LISTENS = 3,
	MIP_NO_ANSWER = 4,
	MIP_TOO_MANY = 5,
	MIP_STATUS_MAX = 127,
};

enum mip_goodbye { MIP_STOPS = 0, MIP_REPLACED = 1, MIP_NOT_WELCOME = 2, MIP_BROKEN = 3 };

enum {
	MIP_TEXT_BYTES = 255,
	MIP_TICKET_BYTES = 16,
	MIP_CHALLENGE_BYTES = 16,
	/* Of one message: a reader's buffer this large never has to grow. */
	MIP_MESSAGE_BYTES = 1 + 4 + 2 * (4 + MIP_TEXT_BYTES + 4),
};

/* Which fields count depends on `type`. */
struct mip_message {
	enum mip_type type;
	enum mip_identifier_type identifier_type;
	char identifier[MIP_TEXT_BYTES + 1];
	/* Version 1's number stands in the last two octets. */
	uint8_t ticket[MIP_TICKET_BYTES];
	char proxy_host[MIP_TEXT_BYTES + 1]; /* version 1 */
	uint16_t proxy_port;		     /* version 1 */
	char endpoint_host[MIP_TEXT_BYTES + 1];
	uint16_t endpoint_port;
	uint8_t status; /* enum mip_status, or another up to MIP_STATUS_MAX */
	enum mip_goodbye reason;
	uint8_t challenge[MIP_CHALLENGE_BYTES]; /* or the response to one */
};

/* Read the message at the start of `data`. *used: its bytes, or 0 if it has not come whole; *out
 * is set only then. Errors: ERR_INPUT, as soon as the bytes cannot become a message. */
int mip_parse(enum mip_version version, const void *data, size_t len, struct mip_message *out,
	      size_t *used, struct err *err) _must_check_;

/* Add the message, which must be one of that version with values in range, to `buf`. */
void mip_write(enum mip_version version, const struct mip_message *message,
	       struct strbuf *buf);

#endif
