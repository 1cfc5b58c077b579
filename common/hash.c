/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/util.h"

static void to_hex(const uint8_t *bytes, size_t len, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * len] = '\0';
}

void sha256_start(struct sha256 *h)
{
	nettle_sha256_init(&h->ctx);
}

void sha256_add(struct sha256 *h, const void *data, size_t len)
{
	nettle_sha256_update(&h->ctx, len, data);
}

void sha256_finish(struct sha256 *h, char hex[SHA256_HEX_LEN + 1])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	nettle_sha256_digest(&h->ctx, sizeof(digest), digest);
	to_hex(digest, sizeof(digest), hex);
}

void sha256_hex(const void *data, size_t len, char hex[SHA256_HEX_LEN + 1])
{
	struct sha256 h;
	sha256_start(&h);
	sha256_add(&h, data, len);
	sha256_finish(&h, hex);
}

void md5_hex(const void *data, size_t len, char hex[MD5_HEX_LEN + 1])
{
	struct md5_ctx ctx;
	uint8_t digest[MD5_DIGEST_SIZE];
	nettle_md5_init(&ctx);
	nettle_md5_update(&ctx, len, data);
	nettle_md5_digest(&ctx, sizeof(digest), digest);
	to_hex(digest, sizeof(digest), hex);
}

int sha256_fd(int fd, char hex[SHA256_HEX_LEN + 1], uint64_t *size, struct err *err)
{
	enum { CHUNK = 1 << 18 };
	_cleanup_free_ uint8_t *chunk = xmalloc(CHUNK);
	struct sha256 h;
	sha256_start(&h);
	uint64_t at = 0;
	for (;;) {
		ssize_t n = pread(fd, chunk, CHUNK, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read");
		if (n == 0)
			break;
		sha256_add(&h, chunk, (size_t)n);
		at += (uint64_t)n;
	}
	sha256_finish(&h, hex);
	if (size)
		*size = at;
	return 0;
}

int sha256_file(const char *path, char hex[SHA256_HEX_LEN + 1], uint64_t *size, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "%s does not exist", path);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (sha256_fd(fd, hex, size, err) < 0)
		return err_prefix(err, "%s", path);
	return 0;
}

bool sha256_file_is(const char *path, const char *hash)
{
	_cleanup_err_ struct err ignored = ERR_INIT;
	char hex[SHA256_HEX_LEN + 1];
	return sha256_file(path, hex, NULL, &ignored) == 0 && strcmp(hex, hash) == 0;
}

bool sha256_is_valid(const char *hex)
{
	return strlen(hex) == SHA256_HEX_LEN &&
	       strspn(hex, "0123456789abcdef") == SHA256_HEX_LEN;
}
