/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/ssh-key.h"

#include "common/test-mutate.h"

#define BLOB "AAAAC3NzaC1lZDI1NTE5AAAAIB+c8AJADGj/p90cjNjxm7faWxVgr/aj9mZ7/6oyqkUy"
#define KEY "ssh-ed25519 " BLOB

static void test_good_keys(void **state)
{
	static const char *const good[] = { KEY, KEY "\n", KEY " root@kbh1\n",
					    "  " KEY "  a b c\n" };
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct err err = ERR_INIT;
		_cleanup_free_ char *key = NULL;
		assert_ok(ssh_key_parse(good[i], &key, &err));
		assert_string_equal(key, KEY);
	}
}

static void test_bad_keys(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "no OpenSSH public key" },
		{ "ssh-ed25519", "no OpenSSH public key" },
		{ "ssh-dss " BLOB, "no OpenSSH public key" },
		{ "command=\"sh\" " KEY, "no OpenSSH public key" },
		{ KEY "\n" KEY "\n", "one line" },
		{ KEY "\r\n", "one line" },
		{ KEY " x\ncommand=\"sh\" y\n", "one line" },
		{ "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "private" },
		{ "ssh-rsa " BLOB, "damaged" },
		{ "ssh-ed25519 AAAA", "damaged" },
		{ "ssh-ed25519 \"AAAA", "damaged" },
		{ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "damaged" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		char *key = NULL;
		assert_fails(ssh_key_parse(bad[i].text, &key, &err), ERR_INPUT, bad[i].message);
		assert_null(key);
	}
}

static void test_too_large(void **state)
{
	struct err err = ERR_INIT;
	char *key = NULL;
	_cleanup_free_ char *text = xasprintf("ssh-ed25519 %0*d", SSH_KEY_MAX_BYTES, 0);
	assert_fails(ssh_key_parse(text, &key, &err), ERR_TOO_LARGE, "16 KiB");
}

/* What comes out can stand in authorized_keys: two words of harmless characters. */
static void check_any(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *key = NULL;
	if (ssh_key_parse(text, &key, &err) < 0) {
		assert_non_null(err.msg);
		err_clear(&err);
		return;
	}
	assert_null(strpbrk(key, "\"'\\\n\r\t,"));
	assert_ptr_equal(strchr(key, ' '), strrchr(key, ' '));
}

/* As `ssh-keygen -l` prints it. */
static void test_fingerprints(void **state)
{
	char fingerprint[SSH_KEY_FINGERPRINT_LEN + 1];
	ssh_key_fingerprint(KEY, fingerprint);
	assert_string_equal(fingerprint, "SHA256:pG296Kr/Kj3Stivw8Ye467s6dXwNzEOdm5n64DfNEeg");
	assert_true(ssh_key_fingerprint_is_valid(fingerprint));
	assert_false(ssh_key_fingerprint_is_valid("SHA256:short"));
	assert_false(ssh_key_fingerprint_is_valid("MD5:00:11"));
	fingerprint[20] = '"';
	assert_false(ssh_key_fingerprint_is_valid(fingerprint));
}

static void test_mutations(void **state)
{
	mutate(KEY " root@kbh1\n", check_any);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_keys),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
