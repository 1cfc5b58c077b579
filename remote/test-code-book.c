/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <string.h>

#include "remote/code-book.h"

static const uint8_t challenge[VNC_CHALLENGE_BYTES] = { 0, 1, 2,  3,  4,  5,  6,  7,
							8, 9, 10, 11, 12, 13, 14, 15 };

static void respond(const char *password, uint8_t response[VNC_CHALLENGE_BYTES])
{
	struct vnc_key key;
	vnc_key_init(&key, password);
	vnc_key_respond(&key, challenge, response);
}

/* What TigerVNC's vncpasswd and QEMU compute, too. */
static void test_response(void **state)
{
	static const uint8_t expected[] = { 0x83, 0xdd, 0x2b, 0x4d, 0xbd, 0x04,
					    0x36, 0x7f, 0x28, 0x57, 0x8f, 0xdd,
					    0x5b, 0x14, 0x27, 0x40 };
	uint8_t response[VNC_CHALLENGE_BYTES], other[VNC_CHALLENGE_BYTES];
	respond("12345678", response);
	assert_memory_equal(response, expected, sizeof(expected));
	respond("123456789", response);
	assert_memory_equal(response, expected, sizeof(expected));
	respond("1234567", response);
	respond("1234567\0", other);
	assert_memory_equal(response, other, sizeof(other));
	assert_memory_not_equal(response, expected, sizeof(expected));
}

/* What tigervncpasswd writes. */
static void test_hidden_password(void **state)
{
	char hidden[2 * VNC_PASSWORD_BYTES + 1];
	vnc_password_hide("geheim12", hidden);
	assert_string_equal(hidden, "55f50b0ff44dcbc3");
}

static void test_job(void **state)
{
	char code[CODE_LEN + 1];
	code_of_job("354887_1_20_2009__18_4_26_mig-1.imada.sdu.dk.0", code);
	assert_string_equal(code, "^HbD)GJo");
}

static void test_mint(void **state)
{
	char code[CODE_LEN + 1], other[CODE_LEN + 1];
	bool seen[128] = { false };
	for (int i = 0; i < 1000; i++) {
		code_mint(code);
		assert_int_equal(strlen(code), CODE_LEN);
		for (const char *p = code; *p; p++)
			seen[(unsigned char)*p] = true;
	}
	code_mint(other);
	assert_string_not_equal(code, other);
	for (char c = ' '; c < 0x7f; c++)
		assert_int_equal(seen[(unsigned char)c],
				 ((c >= '2' && c <= '9') || (c >= 'a' && c <= 'z')) &&
					 c != 'i' && c != 'l' && c != 'o');
}

static void assert_finds(const struct code_book *book, const char *typed, int64_t now_ms,
			 const char *expected)
{
	uint8_t response[VNC_CHALLENGE_BYTES];
	const char *code;
	const struct code_grant *grant;
	respond(typed, response);
	if (!expected) {
		assert_int_equal(
			code_book_find(book, challenge, response, now_ms, &code, &grant),
			-1);
		return;
	}
	assert_int_equal(code_book_find(book, challenge, response, now_ms, &code, &grant),
			 0);
	assert_string_equal(grant->machine, expected);
	assert_memory_equal(code, typed, CODE_LEN);
}

static void test_find(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(code_book_freep) struct code_book *book = code_book_new();
	assert_finds(book, "^HbD)GJo", 0, NULL);
	for (int i = 0; i < 100; i++) {
		_cleanup_free_ char *code = xasprintf("code%04d", i);
		_cleanup_free_ char *machine = xasprintf("vm%d", i / 2);
		assert_ok(code_book_add(
			book, code, &(struct code_grant){ machine, "anna", i % 3 == 0 },
			i % 2 ? CODE_FOR_EVER : 1000, &err));
	}
	assert_int_equal(code_book_count(book), 100);
	assert_true(code_book_is_one_time(book, "code0000"));
	assert_false(code_book_is_one_time(book, "code0001"));
	assert_false(code_book_is_one_time(book, "code0100"));
	assert_finds(book, "code0000", 999, "vm0");
	assert_finds(book, "code0000", 1000, NULL);
	assert_finds(book, "code0099", 1000, "vm49");
	assert_finds(book, "code0100", 0, NULL);
	assert_finds(book, "", 0, NULL);
	code_book_expire(book, 1000);
	assert_int_equal(code_book_count(book), 50);
	code_book_remove_machine(book, "vm0");
	assert_finds(book, "code0001", 0, NULL);
	assert_finds(book, "code0003", 0, "vm1");
	code_book_remove(book, "code0003");
	code_book_remove(book, "code0003");
	assert_finds(book, "code0003", 0, NULL);
	assert_int_equal(code_book_count(book), 48);
}

/* One wrong bit in a response finds nothing. */
static void test_damaged_response(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(code_book_freep) struct code_book *book = code_book_new();
	uint8_t response[VNC_CHALLENGE_BYTES];
	const char *code;
	const struct code_grant *grant;
	assert_ok(code_book_add(book, "^HbD)GJo", &(struct code_grant){ "vm" },
				CODE_FOR_EVER, &err));
	respond("^HbD)GJo", response);
	for (size_t bit = 0; bit < 8 * sizeof(response); bit++) {
		response[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
			code_book_find(book, challenge, response, 0, &code, &grant), -1);
		response[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(code_book_find(book, challenge, response, 0, &code, &grant), 0);
}

static void test_trim(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(code_book_freep) struct code_book *book = code_book_new();
	const struct code_grant mine = { "vm", "anna" }, others = { "vm", NULL };
	assert_ok(code_book_add(book, "forever1", &mine, CODE_FOR_EVER, &err));
	for (int i = 0; i < 20; i++) {
		_cleanup_free_ char *code = xasprintf("code%04d", i),
				    *other = xasprintf("else%04d", i);
		code_book_trim(book, &mine, 3);
		assert_ok(code_book_add(book, code, &mine, 1000 + i, &err));
		assert_ok(code_book_add(book, other, &others, 1000, &err));
	}
	assert_int_equal(code_book_count(book), 1 + 3 + 20);
	assert_finds(book, "code0016", 0, NULL);
	assert_finds(book, "code0017", 0, "vm");
	assert_finds(book, "code0019", 0, "vm");
	assert_finds(book, "forever1", 0, "vm");
}

static void test_refused(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(code_book_freep) struct code_book *book = code_book_new();
	assert_fails(code_book_add(book, "", &(struct code_grant){ "vm" }, 0, &err),
		     ERR_INPUT, "8 characters");
	assert_fails(
		code_book_add(book, "1234567", &(struct code_grant){ "vm" }, 0, &err),
		ERR_INPUT, "8 characters");
	assert_fails(
		code_book_add(book, "123456789", &(struct code_grant){ "vm" }, 0, &err),
		ERR_INPUT, "8 characters");
	assert_fails(
		code_book_add(book, "1234\t678", &(struct code_grant){ "vm" }, 0, &err),
		ERR_INPUT, "printable");
	/* To DES the same as "abcdefgh". */
	assert_fails(code_book_add(book,
				   "\xe1"
				   "bcdefgh",
				   &(struct code_grant){ "vm" }, 0, &err),
		     ERR_INPUT, "printable");
	assert_ok(code_book_add(book, "abcdefgh", &(struct code_grant){ "vm" }, 0, &err));
	assert_fails(
		code_book_add(book, "abcdefgh", &(struct code_grant){ "other" }, 0, &err),
		ERR_EXISTS, "already");
	assert_int_equal(code_book_count(book), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_response), cmocka_unit_test(test_hidden_password),
		cmocka_unit_test(test_job),      cmocka_unit_test(test_mint),
		cmocka_unit_test(test_find),     cmocka_unit_test(test_damaged_response),
		cmocka_unit_test(test_trim),     cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
