/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WebSocket as a server: the upgrade's key, and frames from and to bytes.
 * Source: RFC 6455; docs/spec/proxy-http.md */
#ifndef WAYBILL_WEBSOCKET_H
#define WAYBILL_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strbuf.h"

enum {
	WEBSOCKET_ACCEPT_LEN = 28,
	WEBSOCKET_MAX_FRAME = 1024 * 1024,
	WEBSOCKET_CONTROL_BYTES = 125,
	WEBSOCKET_HEAD_BYTES = 14,
};

/* What Sec-WebSocket-Accept says to a key. Errors: ERR_INPUT (not base64 of 16 bytes). */
int websocket_accept(const char *key, char accept[WEBSOCKET_ACCEPT_LEN + 1],
		     struct err *err) _must_check_;

enum websocket_close {
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_PROTOCOL_ERROR = 1002,
	WEBSOCKET_NOT_BINARY = 1003,
	WEBSOCKET_TOO_LARGE = 1009,
};

struct websocket {
	bool closed;		     /* the other end has sent a close frame */
	enum websocket_close reason; /* what to close with, after an error */
	bool in_message;	     /* a continuation may follow */
	uint8_t head[WEBSOCKET_HEAD_BYTES];
	size_t head_bytes;
	bool in_payload;
	uint32_t payload_left;
	uint8_t mask_at; /* which byte of the mask is next */
	struct strbuf control; /* payload of a ping, until it has all come */
};

void websocket_init(struct websocket *ws);
void websocket_destroy(struct websocket *ws);

/* Take all of `data`: the messages' bytes are added to `payload`, what must be answered (pong,
 * close) to `out`. After a close frame the rest is dropped.
 * Errors: ERR_INPUT, ERR_TOO_LARGE; send websocket_add_close() of ws->reason, and end. */
int websocket_feed(struct websocket *ws, const uint8_t *data, size_t len, struct strbuf *payload,
		   struct strbuf *out, struct err *err) _must_check_;

/* The head of a binary frame with len (< 2^63) bytes that follow. */
void websocket_add_head(struct strbuf *out, uint64_t len);
void websocket_add_close(struct strbuf *out, enum websocket_close reason);

#endif
