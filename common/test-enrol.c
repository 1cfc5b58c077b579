/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/enrol.h"

#include "common/test-lib.h"

#define TOKEN "wb1-abcdefghijklmnopqrstuvwxyz234567"
#define REQUEST "Format: waybill-enrol 1\nToken: " TOKEN "\nPublic-Key: ssh-ed25519 AAAA\n"

static void test_tokens(void **state)
{
	static const char *const bad[] = {
		"", "wb1-", TOKEN "a", "wb2-abcdefghijklmnopqrstuvwxyz234567",
		"wb1-abcdefghijklmnopqrstuvwxyz23456", "wb1-abcdefghijklmnopqrstuvwxyz234561",
		"wb1-ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", " " TOKEN, TOKEN "\n",
	};
	char one[ENROL_TOKEN_LEN + 1], other[ENROL_TOKEN_LEN + 1];
	struct err err = ERR_INIT;
	assert_true(enrol_token_is_valid(TOKEN));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(enrol_token_is_valid(bad[i]));
	assert_ok(enrol_token_make(one, &err));
	assert_ok(enrol_token_make(other, &err));
	assert_true(enrol_token_is_valid(one) && enrol_token_is_valid(other));
	assert_string_not_equal(one, other);
}

static void test_ticket(void **state)
{
	struct err err = ERR_INIT;
	char token[] = TOKEN;
	const struct enrol_ticket made = { token, 1795246200 };
	struct enrol_ticket read;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	enrol_ticket_format(&made, &text);
	assert_ok(enrol_ticket_parse(text.data, text.len, "ticket", &read, &err));
	assert_string_equal(read.token, TOKEN);
	assert_int_equal(read.not_before, 1795246200);
	enrol_ticket_destroy(&read);
	static const char no_time[] = "Format: waybill-enrolment 1\nToken: " TOKEN "\n";
	assert_fails(enrol_ticket_parse(no_time, strlen(no_time), "ticket", &read, &err),
		     ERR_INPUT, "Not-Before");
	enrol_ticket_destroy(&read);
}

static void test_request(void **state)
{
	static const char text[] = REQUEST
		"Site: kbh1\nMachine-Serial: SN 1\nProduct: Box \xc3\xa6\nMac:\n 52-54-00-AB-cd-01\n"
		" 52:54:00:ab:cd:02\nMemory: 4096\nDisks: sda 500\nX-More: yes\n";
	struct err err = ERR_INIT;
	_cleanup_enrol_request_ struct enrol_request r = { 0 }, again = { 0 };
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	assert_ok(enrol_request_parse(text, strlen(text), ENROL_ENROLL, &r, &err));
	assert_string_equal(r.site, "kbh1");
	assert_string_equal(r.facts.serial, "SN 1");
	assert_int_equal(r.facts.macs.count, 2);
	assert_string_equal(r.facts.macs.items[0], "52:54:00:ab:cd:01");
	assert_string_equal(r.facts.disks.items[0], "sda 500");
	enrol_request_format(&r, ENROL_ENROLL, &out);
	assert_ok(enrol_request_parse(out.data, out.len, ENROL_ENROLL, &again, &err));
	assert_string_equal(again.facts.product, "Box \xc3\xa6");
	assert_string_equal(again.facts.macs.items[1], "52:54:00:ab:cd:02");
}

static void test_bad_requests(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "empty" },
		{ "Token: " TOKEN "\n", "Format" },
		{ "Format: waybill-enrol 1\nPublic-Key: k\n", "Token" },
		{ "Format: waybill-enrol 1\nToken: " TOKEN "\n", "Public-Key" },
		{ "Format: waybill-enrol 1\nToken: wb1-x\nPublic-Key: k\n", "no token" },
		{ REQUEST "Evil: x\n", "Evil" },
		{ REQUEST "Token: " TOKEN "\n", "Token" },
		{ REQUEST "\n" REQUEST, "stanzas" },
		{ REQUEST "Site: ../x\n", "no site name" },
		{ REQUEST "Product: a\x1b[2J\n", "printable" },
		{ REQUEST "Product: a\n b\n", "printable" },
		{ REQUEST "Product: \xff\n", "printable" },
		{ REQUEST "Mac: 52:54\n", "Mac" },
		{ REQUEST "Mac: 52:54:00:ab:cd:0g\n", "Mac" },
		{ REQUEST "Site: kbh1", "" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct enrol_request r;
		assert_true(enrol_request_parse(bad[i].text, strlen(bad[i].text), ENROL_ENROLL, &r,
						&err) < 0);
		if (!strstr(err.msg, bad[i].says))
			fail_msg("%s: '%s' lacks '%s'", bad[i].text, err.msg, bad[i].says);
		assert_null(r.token);
		err_clear(&err);
	}
}

static void test_bounds(void **state)
{
	struct err err = ERR_INIT;
	struct enrol_request r;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	strbuf_adds(&text, REQUEST "Disks:\n");
	for (int i = 0; i < 65; i++)
		strbuf_adds(&text, " sda 1\n");
	assert_fails(enrol_request_parse(text.data, text.len, ENROL_ENROLL, &r, &err), ERR_TOO_LARGE,
		     "64 lines");
	strbuf_reset(&text);
	strbuf_adds(&text, REQUEST "Product: ");
	for (int i = 0; i < 201; i++)
		strbuf_addc(&text, 'x');
	strbuf_addc(&text, '\n');
	assert_fails(enrol_request_parse(text.data, text.len, ENROL_ENROLL, &r, &err), ERR_TOO_LARGE,
		     "200 bytes");
	for (int i = 0; i < ENROL_MAX_BYTES; i++)
		strbuf_adds(&text, "#\n");
	assert_fails(enrol_request_parse(text.data, text.len, ENROL_ENROLL, &r, &err), ERR_TOO_LARGE,
		     "16384");
}

static void test_answers(void **state)
{
	struct err err = ERR_INIT;
	char site[] = "kbh1", reason[] = "because";
	const struct enrol_answer made = { ENROL_PENDING, site, reason };
	_cleanup_enrol_answer_ struct enrol_answer read = { 0 };
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	enrol_answer_format(&made, &text);
	assert_ok(enrol_answer_parse(text.data, text.len, "answer", &read, &err));
	assert_int_equal(read.status, ENROL_PENDING);
	assert_string_equal(read.reason, "because");
	enrol_answer_destroy(&read);
	static const char *const bad[] = {
		"Format: waybill-enrol-answer 1\n",
		"Format: waybill-enrol-answer 1\nStatus: maybe\n",
		"Format: waybill-enrol-answer 1\nStatus: enrolled\n",
		"Format: waybill-enrol-answer 1\nStatus: enrolled\nSite: KBH1\n",
		"Format: waybill-enrol-answer 1\nStatus: refused\nReason: a\n b\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_fails(enrol_answer_parse(bad[i], strlen(bad[i]), "answer", &read, &err),
			     ERR_INPUT, "answer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),	     cmocka_unit_test(test_ticket),
		cmocka_unit_test(test_request),	     cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_bounds),	     cmocka_unit_test(test_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
