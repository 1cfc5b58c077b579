/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <string.h>

#include "remote/rfb-filter.h"

#define WORDS(text) text, sizeof(text) - 1
#define SIXTEEN     "0123456789abcdef"

/* A message, and what becomes of it. */
static const struct {
	const char *name, *bytes;
	size_t len;
	const char *passed;
	size_t passed_len;
	bool acts;
} messages[] = {
	{ "SetPixelFormat", WORDS("\0pad" SIXTEEN), WORDS("\0pad" SIXTEEN), false },
	{ "SetEncodings", WORDS("\2p\0\3\0\0\0\5\377\377\376\315\0\0\0\20"),
	  WORDS("\2\0\0\2\0\0\0\5\0\0\0\20"), false },
	{ "SetEncodings, none left", WORDS("\2\0\0\1\377\377\376\317"), WORDS("\2\0\0\0"),
	  false },
	{ "SetEncodings, none", WORDS("\2\0\0\0"), WORDS("\2\0\0\0"), false },
	{ "SetEncodings, extended clipboard", WORDS("\2\0\0\1\xc0\xa1\xe5\xce"),
	  WORDS("\2\0\0\1\xc0\xa1\xe5\xce"), false },
	{ "FramebufferUpdateRequest", WORDS("\3xywh56789"), WORDS("\3xywh56789"), false },
	{ "KeyEvent", WORDS("\4d3456k8"), WORDS("\4d3456k8"), true },
	{ "PointerEvent", WORDS("\5bxxyy"), WORDS("\5bxxyy"), true },
	{ "ClientCutText", WORDS("\6pad\0\0\0\4text"), WORDS("\6pad\0\0\0\4text"), true },
	{ "ClientCutText, empty", WORDS("\6pad\0\0\0\0"), WORDS("\6pad\0\0\0\0"), true },
	{ "ClientCutText, extended", WORDS("\6pad\377\377\377\374four"),
	  WORDS("\6pad\377\377\377\374four"), true },
	{ "EnableContinuousUpdates", WORDS("\x96\1xxyywwhh"), WORDS("\x96\1xxyywwhh"),
	  false },
	{ "ClientFence", WORDS("\xf8padflag\3abc"), WORDS("\xf8padflag\3abc"), false },
	{ "xvp", WORDS("\xfap\1\2"), WORDS("\xfap\1\2"), true },
	{ "SetDesktopSize", WORDS("\xfbpwwhh\1p" SIXTEEN), WORDS("\xfbpwwhh\1p" SIXTEEN),
	  true },
	{ "QEMU key", WORDS("\xff\0ddkeysCODE"), WORDS("\xff\0ddkeysCODE"), true },
	{ "QEMU audio on", WORDS("\xff\1\0\0"), WORDS("\xff\1\0\0"), false },
	{ "QEMU audio format", WORDS("\xff\1\0\2fcfreq"), WORDS("\xff\1\0\2fcfreq"),
	  false },
};

static void feed(const char *bytes, size_t len, size_t step, bool view_only,
		 struct strbuf *out)
{
	struct err err = ERR_INIT;
	struct rfb_filter filter;
	rfb_filter_init(&filter, view_only);
	for (size_t at = 0; at < len; at += step)
		assert_ok(rfb_filter_feed(&filter, (const uint8_t *)bytes + at,
					  len - at < step ? len - at : step, out, &err));
	assert_false(filter.in_body);
	assert_int_equal(filter.head_bytes, 0);
	rfb_filter_destroy(&filter);
}

/* One by one; then all of them together, which shows that each ends where it should. */
static void test_messages(void **state)
{
	_cleanup_strbuf_ struct strbuf all = STRBUF_INIT, expected = STRBUF_INIT,
				       quiet = STRBUF_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		for (size_t step = 1; step <= messages[i].len; step++) {
			_cleanup_strbuf_ struct strbuf out = STRBUF_INIT,
						       viewed = STRBUF_INIT;
			feed(messages[i].bytes, messages[i].len, step, false, &out);
			assert_int_equal(out.len, messages[i].passed_len);
			assert_memory_equal(out.data, messages[i].passed, out.len);
			feed(messages[i].bytes, messages[i].len, step, true, &viewed);
			assert_int_equal(viewed.len, messages[i].acts ? 0 : out.len);
		}
		strbuf_add(&all, messages[i].bytes, messages[i].len);
		strbuf_add(&expected, messages[i].passed, messages[i].passed_len);
		if (!messages[i].acts)
			strbuf_add(&quiet, messages[i].passed, messages[i].passed_len);
	}
	for (size_t step = 1; step <= all.len; step++) {
		_cleanup_strbuf_ struct strbuf out = STRBUF_INIT, viewed = STRBUF_INIT;
		feed(all.data, all.len, step, false, &out);
		assert_int_equal(out.len, expected.len);
		assert_memory_equal(out.data, expected.data, out.len);
		feed(all.data, all.len, step, true, &viewed);
		assert_int_equal(viewed.len, quiet.len);
		assert_memory_equal(viewed.data, quiet.data, viewed.len);
	}
}

static const struct {
	const char *bytes;
	size_t len;
	enum err_code code;
	const char *why;
} bad[] = {
	{ WORDS("\1"), ERR_INPUT, "type 1," },
	{ WORDS("\7"), ERR_INPUT, "type 7," },
	{ WORDS("\xfd"), ERR_INPUT, "type 253," },
	{ WORDS("\xff\2\0\0"), ERR_INPUT, "type 255," },
	{ WORDS("\2\0\4\1"), ERR_TOO_LARGE, "1025 encodings" },
	{ WORDS("\6pad\0\20\0\1"), ERR_TOO_LARGE, "1048577 bytes" },
	{ WORDS("\6pad\x7f\377\377\377"), ERR_TOO_LARGE, "2147483647 bytes" },
	{ WORDS("\6pad\x80\0\0\0"), ERR_TOO_LARGE, "2147483648 bytes" },
};

static void test_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct rfb_filter filter;
		_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
		rfb_filter_init(&filter, false);
		assert_ok(rfb_filter_feed(&filter, (const uint8_t *)bad[i].bytes,
					  bad[i].len - 1, &out, &err));
		assert_fails(
			rfb_filter_feed(&filter,
					(const uint8_t *)bad[i].bytes + bad[i].len - 1, 1,
					&out, &err),
			bad[i].code, bad[i].why);
		assert_int_equal(out.len, 0);
		rfb_filter_destroy(&filter);
	}
}

#define FORMAT "\40\30\0\1colours-etc."
#define ASK    "\3xywh56789"

/* For a recording: what may be asked for, and that the pixels' format stays. */
static const struct {
	const char *bytes;
	size_t len;
	const char *why; /* NULL: it passes */
} recorded[] = {
	{ WORDS("\0pad" FORMAT ASK), NULL },
	{ WORDS("\0pad" FORMAT "\0pad" FORMAT ASK "\0pad" FORMAT ASK), NULL },
	{ WORDS("\0pad\20\20\0\1colours-etc." "\0pad" FORMAT ASK), NULL },
	{ WORDS(ASK "\0pad\20\20\0\1colours-etc."), "changes its pixel format" },
	{ WORDS("\0pad\40\30\1\1colours-etc." ASK), "cannot be recorded" },
	{ WORDS("\0pad\10\10\0\0colours-etc." ASK), "cannot be recorded" },
	{ WORDS("\0pad\30\30\0\1colours-etc." ASK), "cannot be recorded" },
};

static void test_recorded(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(recorded); i++) {
		struct err err = ERR_INIT;
		struct rfb_filter filter;
		_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
		rfb_filter_init(&filter, false);
		rfb_filter_record(&filter, (const uint8_t *)FORMAT);
		int result = rfb_filter_feed(&filter, (const uint8_t *)recorded[i].bytes, recorded[i].len,
					     &out, &err);
		if (recorded[i].why) {
			assert_fails(result, ERR_REFUSED, recorded[i].why);
		} else {
			assert_ok(result);
			assert_true(filter.settled);
			assert_memory_equal(filter.format, FORMAT, RFB_FORMAT_BYTES);
			assert_memory_equal(out.data, recorded[i].bytes, recorded[i].len);
		}
		rfb_filter_destroy(&filter);
	}
}

static void test_recorded_encodings(void **state)
{
	/* Tight, Cursor, ExtendedDesktopSize, ZRLE, DesktopName */
	static const uint8_t asked[] = { 2, 0, 0, 5, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0x11, 0xff, 0xff,
					 0xfe, 0xcc, 0, 0, 0, 16, 0xff, 0xff, 0xfe, 0xcd };
	static const uint8_t left[] = { 2, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 16 };
	struct err err = ERR_INIT;
	struct rfb_filter filter;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	rfb_filter_init(&filter, false);
	rfb_filter_record(&filter, (const uint8_t *)FORMAT);
	assert_ok(rfb_filter_feed(&filter, asked, sizeof(asked), &out, &err));
	assert_int_equal(out.len, sizeof(left));
	assert_memory_equal(out.data, left, sizeof(left));
	rfb_filter_destroy(&filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_recorded_encodings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
