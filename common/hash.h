/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 (and, for package lists, MD5) of memory, files and streams. */
#ifndef WAYBILL_HASH_H
#define WAYBILL_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nettle/md5.h>
#include <nettle/sha2.h>

#include "common/err.h"

#define SHA256_HEX_LEN 64
#define MD5_HEX_LEN 32

struct sha256 { struct sha256_ctx ctx; };
void sha256_start(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *data, size_t len);
void sha256_finish(struct sha256 *h, char hex[SHA256_HEX_LEN + 1]);

void sha256_hex(const void *data, size_t len, char hex[SHA256_HEX_LEN + 1]);
void md5_hex(const void *data, size_t len, char hex[MD5_HEX_LEN + 1]);

/* Hash an open file from its start to its end; the offset does not move. */
int sha256_fd(int fd, char hex[SHA256_HEX_LEN + 1], uint64_t *size, struct err *err) _must_check_;
int sha256_file(const char *path, char hex[SHA256_HEX_LEN + 1], uint64_t *size,
		struct err *err) _must_check_;

/* Whether there is a file that can be read and has this hash. */
bool sha256_file_is(const char *path, const char *hex);

/* 64 lowercase hexadecimal digits. */
bool sha256_is_valid(const char *hex);

#endif
