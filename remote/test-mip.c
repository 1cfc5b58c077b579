/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <string.h>

#include "remote/mip.h"

/* Bytes as the specification has them, and what they say. */
static const struct {
	enum mip_version version;
	const char *bytes;
	size_t len;
	struct mip_message message;
} good[] = {
	{ MIP_1,
	  "\0\1\0\0\0\4job1",
	  10,
	  { .type = MIP_HANDSHAKE,
	    .identifier_type = MIP_VIRTUAL_MACHINE,
	    .identifier = "job1" } },
	{ MIP_2,
	  "\0\2\0\0\0\0",
	  6,
	  { .type = MIP_HANDSHAKE, .identifier_type = MIP_RESOURCE } },
	{ MIP_1,
	  "\1\0\0\xff\xfe\0\0\0\5proxy\0\0\1\xbb\0\0\0\3web\0\0\x17\x0c",
	  29,
	  { .type = MIP_SETUP_REQUEST,
	    .ticket = { [14] = 0xff, [15] = 0xfe },
	    .proxy_host = "proxy",
	    .proxy_port = 443,
	    .endpoint_host = "web",
	    .endpoint_port = 5900 } },
	{ MIP_2,
	  "\1ABCDEFGHIJKLMNOP\0\0\0\0\0\0\0\0",
	  25,
	  { .type = MIP_SETUP_REQUEST, .ticket = "ABCDEFGHIJKLMNOP" } },
	{ MIP_1,
	  "\2\0\0\0\1\x7f",
	  6,
	  { .type = MIP_SETUP_RESPONSE,
	    .ticket = { [15] = 1 },
	    .status = MIP_STATUS_MAX } },
	{ MIP_2,
	  "\2ABCDEFGHIJKLMNOP\2",
	  18,
	  { .type = MIP_SETUP_RESPONSE,
	    .ticket = "ABCDEFGHIJKLMNOP",
	    .status = MIP_NOT_ALLOWED } },
	{ MIP_2, "\3", 1, { .type = MIP_HEARTBEAT } },
	{ MIP_2, "\4\3", 2, { .type = MIP_GOODBYE, .reason = MIP_BROKEN } },
	{ MIP_2,
	  "\5ABCDEFGHIJKLMNOPabcdefghijklmnop",
	  33,
	  { .type = MIP_CHALLENGE,
	    .ticket = "ABCDEFGHIJKLMNOP",
	    .challenge = "abcdefghijklmnop" } },
	{ MIP_2,
	  "\6ABCDEFGHIJKLMNOPabcdefghijklmnop",
	  33,
	  { .type = MIP_ANSWER,
	    .ticket = "ABCDEFGHIJKLMNOP",
	    .challenge = "abcdefghijklmnop" } },
};

static void assert_same(const struct mip_message *a, const struct mip_message *b)
{
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->identifier_type, b->identifier_type);
	assert_string_equal(a->identifier, b->identifier);
	assert_memory_equal(a->ticket, b->ticket, MIP_TICKET_BYTES);
	assert_string_equal(a->proxy_host, b->proxy_host);
	assert_int_equal(a->proxy_port, b->proxy_port);
	assert_string_equal(a->endpoint_host, b->endpoint_host);
	assert_int_equal(a->endpoint_port, b->endpoint_port);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->reason, b->reason);
	assert_memory_equal(a->challenge, b->challenge, MIP_CHALLENGE_BYTES);
}

/* Each one whole, one byte at a time, and with another message behind it. */
static void test_good(void **state)
{
	struct err err = ERR_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct mip_message message;
		size_t used;
		for (size_t len = 0; len < good[i].len; len++) {
			/* A copy of its own, so that a read beyond its end is seen. */
			char *part = xmalloc(len + 1);
			memcpy(part, good[i].bytes, len);
			part = xrealloc(part, len ? len : 1);
			assert_ok(mip_parse(good[i].version, part, len, &message, &used,
					    &err));
			assert_int_equal(used, 0);
			free(part);
		}
		_cleanup_strbuf_ struct strbuf buf = STRBUF_INIT;
		mip_write(good[i].version, &good[i].message, &buf);
		assert_int_equal(buf.len, good[i].len);
		assert_memory_equal(buf.data, good[i].bytes, good[i].len);
		assert_true(buf.len <= MIP_MESSAGE_BYTES);
		strbuf_adds(&buf, "\2next");
		assert_ok(mip_parse(good[i].version, buf.data, buf.len, &message, &used,
				    &err));
		assert_int_equal(used, good[i].len);
		assert_same(&message, &good[i].message);
	}
}

static void test_longest(void **state)
{
	struct err err = ERR_INIT;
	struct mip_message message = { .type = MIP_SETUP_REQUEST }, read;
	_cleanup_strbuf_ struct strbuf buf = STRBUF_INIT;
	size_t used;
	memset(message.proxy_host, 'p', MIP_TEXT_BYTES);
	memset(message.endpoint_host, 'e', MIP_TEXT_BYTES);
	mip_write(MIP_1, &message, &buf);
	assert_int_equal(buf.len, MIP_MESSAGE_BYTES);
	assert_ok(mip_parse(MIP_1, buf.data, buf.len, &read, &used, &err));
	assert_same(&read, &message);
}

/* Refused as soon as it cannot become a message, which is where the text ends. */
static const struct {
	enum mip_version version;
	const char *bytes;
	size_t len;
	const char *why;
} bad[] = {
	{ MIP_1, "\3", 1, "type 3" },
	{ MIP_2, "\7", 1, "type 7" },
	{ MIP_1, "\xff", 1, "type 255" },
	{ MIP_1, "\0\3", 2, "identifier type 3" },
	{ MIP_1, "\0\1\0\0\1\0", 6, "identifier of 256 bytes" },
	{ MIP_1, "\0\1\xff\xff\xff\xff", 6, "identifier of 4294967295 bytes" },
	{ MIP_1, "\0\1\0\0\0\4j\n", 8, "octet 0x0a in identifier" },
	{ MIP_1, "\0\1\0\0\0\4\0", 7, "octet 0x00 in identifier" },
	{ MIP_1, "\0\1\0\0\0\4\xe1", 7, "octet 0xe1 in identifier" },
	{ MIP_1, "\1\0\1\0\0", 5, "ticket 65536" },
	{ MIP_1, "\1\0\0\0\0\0\0\1\0", 9, "proxy host of 256 bytes" },
	{ MIP_1, "\1\0\0\0\0\0\0\0\0\0\1\0\0", 13, "proxy port 65536" },
	{ MIP_2, "\1ABCDEFGHIJKLMNOP\0\0\0\1\x7f", 22, "octet 0x7f in endpoint host" },
	{ MIP_2, "\1ABCDEFGHIJKLMNOP\0\0\0\0\xff\xff\xff\xff", 25,
	  "endpoint port 4294967295" },
	{ MIP_1, "\2\0\0\0\1\x80", 6, "status 128" },
	{ MIP_2, "\4\4", 2, "goodbye 4" },
};

static void test_bad(void **state)
{
	struct err err = ERR_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mip_message message;
		size_t used;
		assert_ok(mip_parse(bad[i].version, bad[i].bytes, bad[i].len - 1,
				    &message, &used, &err));
		assert_int_equal(used, 0);
		assert_fails(mip_parse(bad[i].version, bad[i].bytes, bad[i].len, &message,
				       &used, &err),
			     ERR_INPUT, bad[i].why);
	}
}

/* Whatever bit is turned: no crash, and what is read is written as it came. */
static void test_mutated(void **state)
{
	struct err err = ERR_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		for (size_t bit = 0; bit < 8 * good[i].len; bit++) {
			_cleanup_free_ char *bytes = xmalloc(good[i].len);
			_cleanup_strbuf_ struct strbuf buf = STRBUF_INIT;
			struct mip_message message;
			size_t used;
			memcpy(bytes, good[i].bytes, good[i].len);
			bytes[bit / 8] ^= (char)(1 << bit % 8);
			if (mip_parse(good[i].version, bytes, good[i].len, &message,
				      &used, &err) < 0) {
				err_clear(&err);
				continue;
			}
			if (used == 0)
				continue;
			mip_write(good[i].version, &message, &buf);
			assert_int_equal(buf.len, used);
			assert_memory_equal(buf.data, bytes, used);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_mutated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
