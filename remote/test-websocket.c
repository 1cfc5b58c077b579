/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <string.h>

#include "remote/websocket.h"

#define WORDS(text) text, sizeof(text) - 1

/* The example of RFC 6455 section 1.3. */
static void test_accept(void **state)
{
	struct err err = ERR_INIT;
	char accept[WEBSOCKET_ACCEPT_LEN + 1];
	assert_ok(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==", accept, &err));
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_fails(websocket_accept("", accept, &err), ERR_INPUT, "base64 of 16");
	assert_fails(websocket_accept("dGhlIHNhbXBsZSBub25jZQ", accept, &err), ERR_INPUT,
		     "base64");
	assert_fails(websocket_accept("dGhlIHNhbXBsZSBub25jZSEh", accept, &err),
		     ERR_INPUT, "base64");
	assert_fails(websocket_accept("dGhlIHNhbXBsZSBub25jZ!==", accept, &err),
		     ERR_INPUT, "base64");
}

static int feed(struct websocket *ws, const char *data, size_t len, size_t step,
		struct strbuf *payload, struct strbuf *out, struct err *err)
{
	for (size_t at = 0; at < len; at += step)
		if (websocket_feed(ws, (const uint8_t *)data + at,
				   len - at < step ? len - at : step, payload, out,
				   err) < 0)
			return -1;
	return 0;
}

/* A client's frame with the mask 1234. */
static void add_frame(struct strbuf *frames, uint8_t first, const char *data, size_t len)
{
	strbuf_addc(frames, (char)first);
	if (len < 126) {
		strbuf_addc(frames, (char)(0x80 | len));
	} else if (len <= UINT16_MAX) {
		strbuf_addc(frames, (char)(0x80 | 126));
		strbuf_addc(frames, (char)(len >> 8));
		strbuf_addc(frames, (char)len);
	} else {
		strbuf_add(frames, "\377\0\0\0\0\0", 6);
		strbuf_addc(frames, (char)(len >> 16));
		strbuf_addc(frames, (char)(len >> 8));
		strbuf_addc(frames, (char)len);
	}
	strbuf_add(frames, "1234", 4);
	for (size_t i = 0; i < len; i++)
		strbuf_addc(frames, (char)(data[i] ^ "1234"[i % 4]));
}

/* Messages whole and in parts, a ping in between, a close: in pieces of every size. */
static void test_messages(void **state)
{
	_cleanup_strbuf_ struct strbuf frames = STRBUF_INIT;
	add_frame(&frames, 0x82, "first", 5);
	add_frame(&frames, 0x02, "mid", 3);
	add_frame(&frames, 0x89, "ping", 4);
	add_frame(&frames, 0x00, "", 0);
	add_frame(&frames, 0x8a, "unasked", 7);
	add_frame(&frames, 0x80, "dle", 3);
	add_frame(&frames, 0x88, "\3\350bye", 5);
	add_frame(&frames, 0x82, "too late", 8);
	for (size_t step = 1; step <= frames.len; step++) {
		struct err err = ERR_INIT;
		struct websocket ws;
		_cleanup_strbuf_ struct strbuf payload = STRBUF_INIT, out = STRBUF_INIT;
		websocket_init(&ws);
		assert_ok(feed(&ws, frames.data, frames.len, step, &payload, &out, &err));
		assert_string_equal(payload.data, "firstmiddle");
		assert_int_equal(out.len, 10);
		assert_memory_equal(out.data, "\x8a\4ping\x88\2\3\350", 10);
		assert_true(ws.closed);
		websocket_destroy(&ws);
	}
}

static void test_lengths(void **state)
{
	static const size_t lengths[] = {
		0, 125, 126, 65535, 65536, WEBSOCKET_MAX_FRAME
	};
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct err err = ERR_INIT;
		struct websocket ws;
		_cleanup_free_ char *data = xmalloc(lengths[i] + 1);
		_cleanup_strbuf_ struct strbuf frame = STRBUF_INIT, payload = STRBUF_INIT,
					       out = STRBUF_INIT, back = STRBUF_INIT;
		memset(data, 'd', lengths[i]);
		websocket_init(&ws);
		add_frame(&frame, 0x82, data, lengths[i]);
		assert_ok(feed(&ws, frame.data, frame.len, 1000, &payload, &out, &err));
		assert_int_equal(payload.len, lengths[i]);
		assert_int_equal(ws.head_bytes, 0);
		if (lengths[i])
			assert_memory_equal(payload.data, data, lengths[i]);
		/* What we would send differs from it in the mask alone. */
		websocket_add_head(&back, lengths[i]);
		assert_int_equal(back.len, frame.len - lengths[i] - 4);
		frame.data[1] &= 0x7f;
		assert_memory_equal(back.data, frame.data, back.len);
		websocket_destroy(&ws);
	}
}

static const struct {
	const char *bytes;
	size_t len;
	enum websocket_close reason;
	const char *why;
} bad[] = {
	{ WORDS("\xc2"), WEBSOCKET_PROTOCOL_ERROR, "reserved" },
	{ WORDS("\x80"), WEBSOCKET_PROTOCOL_ERROR, "continuation of nothing" },
	{ WORDS("\x81"), WEBSOCKET_NOT_BINARY, "text" },
	{ WORDS("\x83"), WEBSOCKET_PROTOCOL_ERROR, "unknown opcode" },
	{ WORDS("\x8b"), WEBSOCKET_PROTOCOL_ERROR, "unknown opcode" },
	{ WORDS("\x09"), WEBSOCKET_PROTOCOL_ERROR, "control frame in parts" },
	{ WORDS("\x82\5"), WEBSOCKET_PROTOCOL_ERROR, "without a mask" },
	{ WORDS("\x89\xfe"), WEBSOCKET_PROTOCOL_ERROR, "more than 125" },
	{ WORDS("\x82\xfe\0\175"), WEBSOCKET_PROTOCOL_ERROR, "shortest" },
	{ WORDS("\x82\xff\0\0\0\0\0\0\377\377"), WEBSOCKET_PROTOCOL_ERROR, "shortest" },
	{ WORDS("\x82\xff\x80\0\0\0\0\0\0\0"), WEBSOCKET_PROTOCOL_ERROR, "shortest" },
	{ WORDS("\x82\xff\x7f\377\377\377\377\377\377\377"), WEBSOCKET_TOO_LARGE,
	  "bytes, more" },
	{ WORDS("\x82\xff\0\0\0\0\0\20\0\1"), WEBSOCKET_TOO_LARGE, "1048577 bytes" },
	{ WORDS("\2\x80\0\0\0\0\x82"), WEBSOCKET_PROTOCOL_ERROR, "message within" },
};

/* Refused with their last byte, not before. */
static void test_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct websocket ws;
		_cleanup_strbuf_ struct strbuf payload = STRBUF_INIT, out = STRBUF_INIT;
		websocket_init(&ws);
		assert_ok(
			feed(&ws, bad[i].bytes, bad[i].len - 1, 1, &payload, &out, &err));
		assert_true(feed(&ws, bad[i].bytes + bad[i].len - 1, 1, 1, &payload, &out,
				 &err) < 0);
		assert_non_null(strstr(err.msg, bad[i].why));
		assert_int_equal(ws.reason, bad[i].reason);
		assert_int_equal(out.len, 0);
		err_clear(&err);
		websocket_add_close(&out, ws.reason);
		assert_memory_equal(out.data, "\x88\2\3", 3);
		websocket_destroy(&ws);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_bad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
