/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/websocket.h"

#include <string.h>

#include <nettle/base64.h>
#include <nettle/sha1.h>

enum opcode {
	CONTINUATION = 0,
	TEXT = 1,
	BINARY = 2,
	CLOSE = 8,
	PING = 9,
	PONG = 10,
};

enum {
	FIN = 0x80,
	RESERVED = 0x70,
	OPCODE = 0x0f,
	MASKED = 0x80,
	LENGTH = 0x7f,
	MASK_BYTES = 4
};

int websocket_accept(const char *key, char accept[WEBSOCKET_ACCEPT_LEN + 1],
		     struct err *err)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	struct base64_decode_ctx decode;
	struct sha1_ctx sha1;
	uint8_t nonce[BASE64_DECODE_LENGTH(24)], digest[SHA1_DIGEST_SIZE];
	size_t len = 0;
	base64_decode_init(&decode);
	if (strlen(key) != 24 || !base64_decode_update(&decode, &len, nonce, 24, key) ||
	    !base64_decode_final(&decode) || len != 16)
		return err_set(err, ERR_INPUT,
			       "Sec-WebSocket-Key is not base64 of 16 bytes");
	sha1_init(&sha1);
	sha1_update(&sha1, strlen(key), (const uint8_t *)key);
	sha1_update(&sha1, sizeof(guid) - 1, (const uint8_t *)guid);
	sha1_digest(&sha1, sizeof(digest), digest);
	base64_encode_raw(accept, sizeof(digest), digest);
	accept[WEBSOCKET_ACCEPT_LEN] = '\0';
	return 0;
}

void websocket_init(struct websocket *ws)
{
	*ws = (struct websocket){ .reason = WEBSOCKET_PROTOCOL_ERROR };
}

void websocket_destroy(struct websocket *ws)
{
	strbuf_destroy(&ws->control);
}

static enum opcode opcode_of(const struct websocket *ws)
{
	return ws->head[0] & OPCODE;
}

static bool is_control(const struct websocket *ws)
{
	return opcode_of(ws) >= CLOSE;
}

/* Of the length, after the second byte of the head. */
static size_t length_bytes(const struct websocket *ws)
{
	uint8_t length = ws->head[1] & LENGTH;
	return length == 127 ? 8 : length == 126 ? 2 : 0;
}

static uint64_t length_of(const struct websocket *ws)
{
	size_t bytes = length_bytes(ws);
	uint64_t length = 0;
	for (size_t i = 0; i < bytes; i++)
		length = length << 8 | ws->head[2 + i];
	return bytes ? length : (uint64_t)(ws->head[1] & LENGTH);
}

static int broken(struct err *err, const char *why)
{
	return err_set(err, ERR_INPUT, "WebSocket: %s", why);
}

static int check_first_byte(struct websocket *ws, struct err *err)
{
	if (ws->head[0] & RESERVED)
		return broken(err, "a reserved bit is set");
	switch (opcode_of(ws)) {
	case CONTINUATION:
		return ws->in_message ? 0 : broken(err, "a continuation of nothing");
	case BINARY:
		return ws->in_message ? broken(err, "a message within a message") : 0;
	case TEXT:
		ws->reason = WEBSOCKET_NOT_BINARY;
		return broken(err, "a text frame");
	case CLOSE:
	case PING:
	case PONG:
		return ws->head[0] & FIN ? 0 : broken(err, "a control frame in parts");
	}
	return broken(err, "an unknown opcode");
}

static int check_second_byte(const struct websocket *ws, struct err *err)
{
	if (!(ws->head[1] & MASKED))
		return broken(err, "a client's frame without a mask");
	if (is_control(ws) && (ws->head[1] & LENGTH) > WEBSOCKET_CONTROL_BYTES)
		return broken(err, "a control frame of more than 125 bytes");
	return 0;
}

static int check_length(struct websocket *ws, struct err *err)
{
	uint64_t length = length_of(ws);
	size_t bytes = length_bytes(ws);
	if ((bytes == 2 && length < 126) || (bytes == 8 && length <= UINT16_MAX) ||
	    length >> 63)
		return broken(err, "a length that is not written in the shortest way");
	if (length > WEBSOCKET_MAX_FRAME) {
		ws->reason = WEBSOCKET_TOO_LARGE;
		return err_set(err, ERR_TOO_LARGE,
			       "WebSocket: a frame of %llu bytes, more than %d",
			       (unsigned long long)length, WEBSOCKET_MAX_FRAME);
	}
	return 0;
}

/* One byte of the head; each part is looked at as soon as it is there. */
static int take_head(struct websocket *ws, uint8_t byte, struct err *err)
{
	ws->head[ws->head_bytes++] = byte;
	if (ws->head_bytes == 1)
		return check_first_byte(ws, err);
	if (ws->head_bytes == 2 && check_second_byte(ws, err) < 0)
		return -1;
	size_t with_length = 2 + length_bytes(ws);
	if (ws->head_bytes == with_length && check_length(ws, err) < 0)
		return -1;
	if (ws->head_bytes < with_length + MASK_BYTES)
		return 0;
	ws->in_payload = true;
	ws->payload_left = (uint32_t)length_of(ws);
	ws->mask_at = 0;
	if (!is_control(ws))
		ws->in_message = !(ws->head[0] & FIN);
	return 0;
}

static void take_payload(struct websocket *ws, const uint8_t *data, size_t len,
			 struct strbuf *payload)
{
	const uint8_t *mask = ws->head + 2 + length_bytes(ws);
	struct strbuf *to = is_control(ws) ? &ws->control : payload;
	size_t from = to->len;
	strbuf_add(to, data, len);
	for (size_t i = from; i < to->len; i++)
		to->data[i] ^= (char)mask[ws->mask_at++ % MASK_BYTES];
	ws->payload_left -= (uint32_t)len;
}

static void add_control(struct strbuf *out, enum opcode opcode, const char *data,
			size_t len)
{
	strbuf_addc(out, (char)(FIN | opcode));
	strbuf_addc(out, (char)len);
	if (len > 0)
		strbuf_add(out, data, len);
}

static void end_frame(struct websocket *ws, struct strbuf *out)
{
	if (opcode_of(ws) == PING) {
		add_control(out, PONG, ws->control.data, ws->control.len);
	} else if (opcode_of(ws) == CLOSE) {
		/* Its own status, if there is one, comes back to it. */
		add_control(out, CLOSE, ws->control.data, ws->control.len < 2 ? 0 : 2);
		ws->closed = true;
	}
	strbuf_reset(&ws->control);
	ws->in_payload = false;
	ws->head_bytes = 0;
}

int websocket_feed(struct websocket *ws, const uint8_t *data, size_t len,
		   struct strbuf *payload, struct strbuf *out, struct err *err)
{
	while (len > 0 && !ws->closed) {
		size_t taken = 1;
		if (!ws->in_payload) {
			if (take_head(ws, data[0], err) < 0)
				return -1;
		} else {
			taken = len < ws->payload_left ? len : ws->payload_left;
			take_payload(ws, data, taken, payload);
		}
		if (ws->in_payload && ws->payload_left == 0)
			end_frame(ws, out);
		data += taken;
		len -= taken;
	}
	return 0;
}

void websocket_add_head(struct strbuf *out, uint64_t len)
{
	size_t bytes = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8;
	strbuf_addc(out, (char)(FIN | BINARY));
	strbuf_addc(out, (char)(bytes == 8 ? 127 : bytes == 2 ? 126 : len));
	while (bytes-- > 0)
		strbuf_addc(out, (char)(len >> (8 * bytes)));
}

void websocket_add_close(struct strbuf *out, enum websocket_close reason)
{
	const char status[] = { (char)(reason >> 8), (char)reason };
	add_control(out, CLOSE, status, sizeof(status));
}
