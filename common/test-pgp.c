/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/pgp.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/atomic-file.h"
#include "common/pgp-frame.h"
#include "common/subproc.h"

#define TEXT "Format: test 1\nSite: kbh1\n\n- a dash\nlast line\n"

/* A GNUPGHOME with two keys, a message of the first, and both key files. */
struct fixture {
	char *dir;
	char fpr[2][PGP_FPR_SIZE];
	char *key_file[2];
	struct strbuf message;
};

static void must(int result, struct err *err)
{
	if (result < 0)
		fail_msg("%s", err->msg);
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err err = ERR_INIT;
	f->dir = xstrdup("/tmp/waybill-test-pgp-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	setenv("GNUPGHOME", f->dir, 1);
	setenv("TMPDIR", f->dir, 1);
	for (int i = 0; i < 2; i++) {
		_cleanup_strbuf_ struct strbuf key = STRBUF_INIT;
		must(pgp_generate_key(i ? "second" : "first", f->fpr[i], &err), &err);
		must(pgp_export_key(f->fpr[i], &key, &err), &err);
		f->key_file[i] = xasprintf("%s/key%d.gpg", f->dir, i);
		must(atomic_file_write(f->key_file[i], key.data, key.len, 0644, &err), &err);
	}
	must(pgp_clearsign(f->fpr[0], TEXT, strlen(TEXT), &f->message, &err), &err);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	const char *const argv[] = { "gpgconf", "--kill", "all", NULL };
	struct subproc spec = { .argv = argv, .quiet = true, .timeout_ms = 10000 };
	must(subproc_run(&spec, NULL, &err), &err);
	must(remove_tree(f->dir, &err), &err);
	free(f->key_file[0]);
	free(f->key_file[1]);
	free(f->dir);
	strbuf_destroy(&f->message);
	free(f);
	return 0;
}

static int verify(const char *key_file, const char *text, size_t len, struct strbuf *out,
		  struct pgp_signature *sig, struct err *err)
{
	const char *const keys[] = { key_file, NULL };
	return pgp_verify_clearsigned(keys, text, len, out, sig, err);
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	struct pgp_signature sig;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	must(verify(f->key_file[0], f->message.data, f->message.len, &out, &sig, &err), &err);
	assert_string_equal(out.data, TEXT);
	assert_string_equal(sig.fpr, f->fpr[0]);
	assert_true(sig.made_at > 1600000000);
}

static void test_either_of_two_keys(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	const char *const keys[] = { f->key_file[1], f->key_file[0], NULL };
	must(pgp_verify_clearsigned(keys, f->message.data, f->message.len, &out, NULL, &err),
	     &err);
}

static void test_other_key_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	assert_int_equal(
		verify(f->key_file[1], f->message.data, f->message.len, &out, NULL, &err), -1);
	assert_int_equal(err.code, ERR_SIGNATURE);
	assert_non_null(strstr(err.msg, "not trusted"));
	assert_null(out.data);
}

static void test_missing_key_file(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	assert_int_equal(
		verify("/nonexistent", f->message.data, f->message.len, &out, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_detached(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf sig = STRBUF_INIT;
	_cleanup_(pgp_signer_freep) struct pgp_signer *signer = NULL;
	const char *const keys[] = { f->key_file[0], NULL };
	must(pgp_signer_open(f->fpr[0], &signer, &err), &err);
	must(pgp_signer_detach(signer, TEXT, strlen(TEXT), &sig, &err), &err);
	must(pgp_verify_detached(keys, TEXT, strlen(TEXT), sig.data, sig.len, NULL, &err), &err);
	assert_int_equal(pgp_verify_detached(keys, TEXT, strlen(TEXT) - 1, sig.data, sig.len,
					     NULL, &err), -1);
	assert_int_equal(err.code, ERR_SIGNATURE);
}

static void test_unknown_secret_key(void **state)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	assert_int_equal(pgp_clearsign("nobody", TEXT, strlen(TEXT), &out, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* Everything here is about the frame; gpg must not even be asked. */
static void test_frames_are_refused(void **state)
{
	struct fixture *f = *state;
	const char *m = f->message.data;
	static const char *const around[][2] = {
		{ "x\n", "" }, { "\n", "" }, { "", "x\n" }, { "", "\n" }, { "", "Serial: 9" },
		{ "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n", "" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(around); i++) {
		_cleanup_err_ struct err err = ERR_INIT;
		_cleanup_free_ char *text = xasprintf("%s%s%s", around[i][0], m, around[i][1]);
		assert_int_equal(pgp_frame_check(text, strlen(text), &err), -1);
		assert_int_equal(err.code, ERR_SIGNATURE);
	}
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *twice = xasprintf("%s%s", m, m);
	assert_int_equal(pgp_frame_check(twice, strlen(twice), &err), -1);
	err_clear(&err);
	assert_int_equal(pgp_frame_check("", 0, &err), -1);
	err_clear(&err);
	assert_int_equal(pgp_frame_check(TEXT, strlen(TEXT), &err), -1);
}

static void test_every_truncation_is_refused(void **state)
{
	struct fixture *f = *state;
	for (size_t len = 0; len < f->message.len; len++) {
		_cleanup_err_ struct err err = ERR_INIT;
		assert_int_equal(pgp_frame_check(f->message.data, len, &err), -1);
	}
}

/* One flipped bit: refused, or (in the armor's blanks and the like) the same text. */
static void test_bit_flips(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < f->message.len; i += 7) {
		_cleanup_err_ struct err err = ERR_INIT;
		_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
		_cleanup_free_ char *text = xmalloc(f->message.len);
		memcpy(text, f->message.data, f->message.len);
		text[i] ^= (char)(1 << (i % 8));
		if (verify(f->key_file[0], text, f->message.len, &out, NULL, &err) == 0)
			assert_string_equal(out.data, TEXT);
		else
			assert_int_equal(err.code, ERR_SIGNATURE);
	}
}

/* The last test: whatever the others verified or refused, no keyring is left behind. */
static void test_no_keyring_is_left(void **state)
{
	struct fixture *f = *state;
	glob_t found = { 0 };
	_cleanup_free_ char *pattern = xasprintf("%s/waybill-keyring-*", f->dir);
	assert_int_equal(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
	globfree(&found);
}

static void test_text_that_cannot_be_covered(void **state)
{
	static const char *const texts[] = { "blank \nx\n", "cr\r\n", "no newline" };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_err_ struct err err = ERR_INIT;
		assert_int_equal(pgp_frame_check_text(texts[i], strlen(texts[i]), &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
	}
	_cleanup_err_ struct err err = ERR_INIT;
	assert_int_equal(pgp_frame_check_text("a\0b\n", 4, &err), -1);
	err_clear(&err);
	must(pgp_frame_check_text(TEXT, strlen(TEXT), &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_that_cannot_be_covered),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_either_of_two_keys),
		cmocka_unit_test(test_other_key_is_refused),
		cmocka_unit_test(test_missing_key_file),
		cmocka_unit_test(test_detached),
		cmocka_unit_test(test_unknown_secret_key),
		cmocka_unit_test(test_frames_are_refused),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_no_keyring_is_left),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
