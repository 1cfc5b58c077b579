/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/ssh-key.h"

#include <nettle/base64.h>
#include <nettle/sha2.h>

#include "common/strv.h"
#include "common/util.h"

static const char *const key_types[] = {
	"ssh-ed25519",
	"ssh-rsa",
	"ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384",
	"ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com",
	"sk-ecdsa-sha2-nistp256@openssh.com",
};

static bool type_is_known(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_types); i++)
		if (str_eq(type, key_types[i]))
			return true;
	return false;
}

/* The blob begins with its type, as a 32-bit length and the bytes (RFC 4253, 6.6). */
static bool blob_has_type(const char *base64, const char *type)
{
	struct base64_decode_ctx ctx;
	size_t len = strlen(base64), type_len = strlen(type);
	_cleanup_free_ uint8_t *blob = xmalloc(BASE64_DECODE_LENGTH(len) + 1);
	size_t blob_len = BASE64_DECODE_LENGTH(len);
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &blob_len, blob, len, base64) ||
	    !base64_decode_final(&ctx) || blob_len < 4 + type_len + 4)
		return false;
	size_t coded = ((size_t)blob[0] << 24) | ((size_t)blob[1] << 16) |
		       ((size_t)blob[2] << 8) | blob[3];
	return coded == type_len && memcmp(blob + 4, type, type_len) == 0;
}

int ssh_key_parse(const char *text, char **key, struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	size_t len = strlen(text);
	*key = NULL;
	if (len > SSH_KEY_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "the ssh key is larger than 16 KiB");
	if (len && text[len - 1] == '\n')
		len--;
	_cleanup_free_ char *line = xstrndup(text, len);
	if (strstr(line, "PRIVATE KEY"))
		return err_set(err, ERR_INPUT,
			       "this is a private ssh key, which belongs on the site alone; give "
			       "the .pub file");
	if (strpbrk(line, "\n\r"))
		return err_set(err, ERR_INPUT, "an ssh public key is one line, this is more");
	strv_split(&words, line, " \t");
	if (words.count < 2 || !type_is_known(words.items[0]))
		return err_set(err, ERR_INPUT,
			       "this is no OpenSSH public key ('ssh-ed25519 AAAA...')");
	if (!blob_has_type(words.items[1], words.items[0]))
		return err_set(err, ERR_INPUT, "the ssh key is damaged: its base64 holds no %s key",
			       words.items[0]);
	*key = xasprintf("%s %s", words.items[0], words.items[1]);
	return 0;
}

void ssh_key_fingerprint(const char *key, char fingerprint[SSH_KEY_FINGERPRINT_LEN + 1])
{
	const char *base64 = strchr(key, ' ') + 1;
	size_t len = strlen(base64), blob_len = BASE64_DECODE_LENGTH(len);
	_cleanup_free_ uint8_t *blob = xmalloc(blob_len + 1);
	uint8_t digest[SHA256_DIGEST_SIZE];
	char text[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) + 1];
	struct base64_decode_ctx ctx;
	struct sha256_ctx sha;
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &blob_len, blob, len, base64))
		blob_len = 0; /* ssh_key_parse() has decoded it once */
	sha256_init(&sha);
	sha256_update(&sha, blob_len, blob);
	sha256_digest(&sha, sizeof(digest), digest);
	base64_encode_raw(text, sizeof(digest), digest);
	text[sizeof(text) - 1] = '\0';
	snprintf(fingerprint, SSH_KEY_FINGERPRINT_LEN + 1, "SHA256:%.43s", text);
}

bool ssh_key_fingerprint_is_valid(const char *text)
{
	static const char base64[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	return str_starts(text, "SHA256:") && strlen(text) == SSH_KEY_FINGERPRINT_LEN &&
	       strspn(text + 7, base64) == SSH_KEY_FINGERPRINT_LEN - 7;
}
