/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <string.h>

#include "remote/rfb.h"

static const uint8_t challenge[VNC_CHALLENGE_BYTES] = "0123456789abcdef";

/* Sends `bytes` in pieces of `step` bytes, with what was not taken kept for the next. */
static int viewer_says(struct rfb_viewer *viewer, const char *bytes, size_t len,
		       size_t step, struct strbuf *out, struct err *err)
{
	_cleanup_strbuf_ struct strbuf kept = STRBUF_INIT;
	for (size_t at = 0; at < len; at += step) {
		strbuf_add(&kept, bytes + at, len - at < step ? len - at : step);
		size_t used = 1;
		while (used > 0) {
			if (rfb_viewer_feed(viewer, (uint8_t *)kept.data, kept.len, &used,
					    out, err) < 0)
				return -1;
			memmove(kept.data, kept.data + used, kept.len - used);
			kept.len -= used;
		}
	}
	assert_int_equal(kept.len, 0);
	return 0;
}

static int server_says(struct rfb_server *server, const char *bytes, size_t len,
		       size_t step, struct strbuf *out, size_t *left, struct err *err)
{
	_cleanup_strbuf_ struct strbuf kept = STRBUF_INIT;
	*left = 0;
	for (size_t at = 0; at < len; at += step) {
		strbuf_add(&kept, bytes + at, len - at < step ? len - at : step);
		size_t used = 1;
		while (used > 0) {
			if (rfb_server_feed(server, (uint8_t *)kept.data, kept.len, &used,
					    out, err) < 0)
				return -1;
			memmove(kept.data, kept.data + used, kept.len - used);
			kept.len -= used;
		}
	}
	*left = kept.len;
	return 0;
}

static void assert_sent(struct strbuf *out, const char *bytes, size_t len)
{
	assert_int_equal(out->len, len);
	assert_memory_equal(out->data, bytes, len);
	strbuf_reset(out);
}

#define SENT(out, literal) assert_sent(out, literal, sizeof(literal) - 1)
#define RESPONSE           "fedcba9876543210"

static const struct {
	const char *version;
	enum rfb_version as;
} viewer_versions[] = {
	{ "RFB 003.003\n", RFB_3_3 }, { "RFB 003.005\n", RFB_3_3 },
	{ "RFB 003.007\n", RFB_3_7 }, { "RFB 003.008\n", RFB_3_8 },
	{ "RFB 003.889\n", RFB_3_8 },
};

static void test_vencrypt(void **state)
{
	struct err err = ERR_INIT;
	struct rfb_viewer viewer;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	for (size_t step = 1; step <= 32; step += 31) {
		rfb_viewer_start(&viewer, challenge, RFB_TLS_OFFERED, &out);
		strbuf_reset(&out);
		assert_ok(viewer_says(&viewer, "RFB 003.008\n", 12, step, &out, &err));
		SENT(&out, "\2\2\23");
		assert_ok(viewer_says(&viewer, "\23\0\2", 3, step, &out, &err));
		SENT(&out, "\0\2\0\1\0\0\1\5");
		assert_ok(viewer_says(&viewer, "\0\0\1\5", 4, step, &out, &err));
		SENT(&out, "\1");
		assert_int_equal(viewer.step, RFB_VIEWER_TLS);
		rfb_viewer_secured(&viewer, &out);
		SENT(&out, "0123456789abcdef");
		assert_ok(viewer_says(&viewer, RESPONSE, 16, step, &out, &err));
		assert_int_equal(viewer.step, RFB_VIEWER_IDENTIFIED);
	}
}

/* Wrong versions and subtypes; a viewer without TLS where it is required. */
static void test_vencrypt_refused(void **state)
{
	static const struct {
		enum rfb_tls tls;
		const char *says;
		size_t len;
		const char *words;
	} wrong[] = {
		{ RFB_TLS_NO, "RFB 003.008\n\23", 13, "not offered" },
		{ RFB_TLS_REQUIRED, "RFB 003.008\n\2", 13, "not offered" },
		{ RFB_TLS_REQUIRED, "RFB 003.003\n", 12, "no TLS" },
		{ RFB_TLS_OFFERED, "RFB 003.008\n\23\0\1", 15, "VeNCrypt 0.1" },
		{ RFB_TLS_OFFERED, "RFB 003.008\n\23\0\2\0\0\1\2", 19, "subtype 258" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct err err = ERR_INIT;
		struct rfb_viewer viewer;
		_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
		rfb_viewer_start(&viewer, challenge, wrong[i].tls, &out);
		assert_fails(viewer_says(&viewer, wrong[i].says, wrong[i].len, 1, &out, &err),
			     ERR_INPUT, wrong[i].words);
	}
}

static void viewer_comes_in(const char *version, enum rfb_version as, size_t step)
{
	struct err err = ERR_INIT;
	struct rfb_viewer viewer;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	rfb_viewer_start(&viewer, challenge, RFB_TLS_NO, &out);
	SENT(&out, "RFB 003.008\n");
	assert_ok(viewer_says(&viewer, version, RFB_VERSION_BYTES, step, &out, &err));
	assert_int_equal(viewer.version, as);
	if (as == RFB_3_3) {
		SENT(&out, "\0\0\0\2"
			   "0123456789abcdef");
	} else {
		SENT(&out, "\1\2");
		assert_ok(viewer_says(&viewer, "\2", 1, step, &out, &err));
		SENT(&out, "0123456789abcdef");
	}
	assert_ok(viewer_says(&viewer, RESPONSE, VNC_CHALLENGE_BYTES, step, &out, &err));
	assert_int_equal(viewer.step, RFB_VIEWER_IDENTIFIED);
	assert_memory_equal(viewer.response, RESPONSE, VNC_CHALLENGE_BYTES);
	assert_int_equal(out.len, 0);
	rfb_viewer_welcome(&viewer, &out);
	SENT(&out, "\0\0\0\0");
	assert_ok(viewer_says(&viewer, "\1", 1, step, &out, &err));
	assert_int_equal(viewer.step, RFB_VIEWER_READY);
	assert_true(viewer.shared);
	rfb_viewer_server_init((const uint8_t *)"WWHHpixel_format16bytLLLL", "ours",
			       &out);
	SENT(&out, "WWHHpixel_format16by\0\0\0\4ours");
}

static void test_viewer(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(viewer_versions); i++) {
		viewer_comes_in(viewer_versions[i].version, viewer_versions[i].as, 1);
		viewer_comes_in(viewer_versions[i].version, viewer_versions[i].as, 100);
	}
}

/* Bytes that come too early wait. */
static void test_viewer_waits(void **state)
{
	struct err err = ERR_INIT;
	struct rfb_viewer viewer;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	size_t used;
	rfb_viewer_start(&viewer, challenge, RFB_TLS_NO, &out);
	assert_ok(viewer_says(&viewer, "RFB 003.008\n\2" RESPONSE, 29, 29, &out, &err));
	assert_int_equal(viewer.step, RFB_VIEWER_IDENTIFIED);
	assert_ok(rfb_viewer_feed(&viewer, (const uint8_t *)"\1", 1, &used, &out, &err));
	assert_int_equal(used, 0);
	assert_int_equal(viewer.step, RFB_VIEWER_IDENTIFIED);
}

static void test_viewer_refused(void **state)
{
	struct err err = ERR_INIT;
	struct rfb_viewer viewer;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	rfb_viewer_start(&viewer, challenge, RFB_TLS_NO, &out);
	assert_ok(viewer_says(&viewer, "RFB 003.008\n\2" RESPONSE, 29, 29, &out, &err));
	strbuf_reset(&out);
	rfb_viewer_refuse(&viewer, "No.", &out);
	SENT(&out, "\0\0\0\1\0\0\0\3No.");
	rfb_viewer_start(&viewer, challenge, RFB_TLS_NO, &out);
	assert_ok(viewer_says(&viewer, "RFB 003.003\n" RESPONSE, 28, 28, &out, &err));
	strbuf_reset(&out);
	rfb_viewer_refuse(&viewer, "No.", &out);
	SENT(&out, "\0\0\0\1");
	assert_int_equal(viewer.step, RFB_VIEWER_REFUSED);

	/* CVE-2006-2369: a type that was not offered lets nobody in. */
	rfb_viewer_start(&viewer, challenge, RFB_TLS_NO, &out);
	assert_fails(viewer_says(&viewer, "RFB 003.008\n\1", 13, 13, &out, &err),
		     ERR_INPUT, "security type 1");
	assert_int_equal(viewer.step, RFB_VIEWER_REFUSED);
	strbuf_reset(&out);
	static const char *const not_rfb[] = { "GET / HTTP/1", "RFB 004.001\n",
					       "RFB 003.8  \n", "RFB 003.008\r" };
	for (size_t i = 0; i < ARRAY_SIZE(not_rfb); i++) {
		rfb_viewer_start(&viewer, challenge, RFB_TLS_NO, &out);
		assert_fails(viewer_says(&viewer, not_rfb[i], 12, 12, &out, &err),
			     ERR_INPUT, "does not speak RFB 3");
	}
}

#define INIT "WWHHpixel_format16by"

/* A server's words, with '|' where it waits for ours: whatever we say comes before the
 * next. */
static const struct {
	const char *name, *bytes;
	size_t len;
	enum rfb_server_step step;
	const char *sent;
	size_t sent_len;
} servers[] = {
#define WORDS(text) text, sizeof(text) - 1
	{ "3.8, none", WORDS("RFB 003.008\n\2\2\1\0\0\0\0"), RFB_SERVER_AUTHENTICATED,
	  WORDS("RFB 003.008\n\1") },
	{ "3.889, VNC", WORDS("RFB 003.889\n\3\36\43\2" RESPONSE), RFB_SERVER_CHALLENGED,
	  WORDS("RFB 003.008\n\2") },
	{ "3.7, none", WORDS("RFB 003.007\n\1\1"), RFB_SERVER_AUTHENTICATED,
	  WORDS("RFB 003.007\n\1") },
	{ "3.7, VNC", WORDS("RFB 003.007\n\1\2" RESPONSE), RFB_SERVER_CHALLENGED,
	  WORDS("RFB 003.007\n\2") },
	{ "3.3, none", WORDS("RFB 003.003\n\0\0\0\1"), RFB_SERVER_AUTHENTICATED,
	  WORDS("RFB 003.003\n") },
	{ "3.3, VNC", WORDS("RFB 003.003\n\0\0\0\2" RESPONSE), RFB_SERVER_CHALLENGED,
	  WORDS("RFB 003.003\n") },
};

static void server_lets_in(size_t i, size_t step)
{
	struct err err = ERR_INIT;
	struct rfb_server server;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	size_t left;
	rfb_server_start(&server);
	assert_ok(server_says(&server, servers[i].bytes, servers[i].len, step, &out,
			      &left, &err));
	assert_int_equal(left, 0);
	assert_int_equal(server.step, servers[i].step);
	assert_sent(&out, servers[i].sent, servers[i].sent_len);
	if (server.step == RFB_SERVER_CHALLENGED) {
		assert_memory_equal(server.challenge, RESPONSE, VNC_CHALLENGE_BYTES);
		rfb_server_respond(&server, challenge, &out);
		SENT(&out, "0123456789abcdef");
		assert_ok(server_says(&server, "\0\0\0\0", 4, step, &out, &left, &err));
	}
	assert_int_equal(server.step, RFB_SERVER_AUTHENTICATED);
	rfb_server_client_init(&server, true, &out);
	SENT(&out, "\1");
	assert_ok(server_says(&server, INIT "\0\0\0\5QEMU session", 36, step, &out, &left,
			      &err));
	assert_int_equal(server.step, RFB_SERVER_READY);
	assert_memory_equal(server.init, INIT, 20);
	/* " session" is. */
	assert_int_equal(left, 7);
	assert_int_equal(out.len, 0);
}

static void test_server(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		print_message("%s\n", servers[i].name);
		server_lets_in(i, 1);
		server_lets_in(i, 1000);
	}
}

static const struct {
	const char *bytes;
	size_t len;
	enum err_code code;
	const char *why;
} refusals[] = {
	{ WORDS("HTTP/1.1 400"), ERR_INPUT, "does not speak RFB 3" },
	{ WORDS("RFB 003.008\n\0\0\0\0\4busy"), ERR_REFUSED, "refuses: busy" },
	{ WORDS("RFB 003.003\n\0\0\0\0\0\0\0\2no"), ERR_REFUSED, "refuses: no" },
	{ WORDS("RFB 003.008\n\0\0\0\0\4b\33sy"), ERR_REFUSED, "refuses: b?sy" },
	{ WORDS("RFB 003.008\n\1\23"), ERR_INPUT, "neither None nor" },
	{ WORDS("RFB 003.003\n\0\0\0\23"), ERR_INPUT, "security type 19" },
	{ WORDS("RFB 003.008\n\1\1\0\0\0\1\0\0\0\1x"), ERR_REFUSED, "refuses: x" },
};

static void test_server_refuses(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		for (size_t step = 1; step < 100; step += 98) {
			struct err err = ERR_INIT;
			struct rfb_server server;
			_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
			size_t left;
			rfb_server_start(&server);
			assert_fails(server_says(&server, refusals[i].bytes,
						 refusals[i].len, step, &out, &left,
						 &err),
				     refusals[i].code, refusals[i].why);
		}
	}
}

/* Of a reason without end, what we keep is enough to refuse. */
static void test_endless(void **state)
{
	struct err err = ERR_INIT;
	struct rfb_server server;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT, says = STRBUF_INIT;
	size_t left;
	strbuf_add(&says, "RFB 003.008\n\0\377\377\377\377", 17);
	for (int i = 0; i < 1024; i++)
		strbuf_addc(&says, 'n');
	rfb_server_start(&server);
	assert_fails(
		server_says(&server, says.data, says.len, says.len, &out, &left, &err),
		ERR_REFUSED, "refuses: nnn");
	rfb_server_start(&server);
	assert_ok(
		server_says(&server, "RFB 003.003\n\0\0\0\1", 16, 16, &out, &left, &err));
	rfb_server_client_init(&server, false, &out);
	assert_fails(server_says(&server, INIT "\0\1\0\1", 24, 24, &out, &left, &err),
		     ERR_INPUT, "65537 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vencrypt),
		cmocka_unit_test(test_vencrypt_refused),
		cmocka_unit_test(test_viewer),
		cmocka_unit_test(test_viewer_waits),
		cmocka_unit_test(test_viewer_refused),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_server_refuses),
		cmocka_unit_test(test_endless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
