/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 of a stream, beside what makes the stream: on another processor, if there is one. */
#ifndef WAYBILL_HASH_THREAD_H
#define WAYBILL_HASH_THREAD_H

#include "common/hash.h"
#include "common/util.h"

struct hash_thread;

struct hash_thread *hash_thread_new(void);
/* The bytes are copied; waits while those of before are being hashed. */
void hash_thread_add(struct hash_thread *t, const void *data, size_t len);
/* Nothing can be added after that. */
void hash_thread_finish(struct hash_thread *t, char hex[SHA256_HEX_LEN + 1]);
void hash_thread_free(struct hash_thread *t);
DEFINE_FREEP(struct hash_thread, hash_thread_free)

#endif
