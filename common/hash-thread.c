/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/hash-thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 256 << 10 };

struct hash_thread {
	pthread_t thread;
	bool runs;		/* else the caller hashes: no thread could be had */
	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t changed;
	struct sha256 hash;
	char *piece;		/* PIECE_BYTES */
	size_t len;		/* 0: the thread waits for a piece */
	bool ends;
};

static void *work(void *arg)
{
	struct hash_thread *t = arg;
	pthread_mutex_lock(&t->lock);
	for (;;) {
		while (t->len == 0 && !t->ends)
			pthread_cond_wait(&t->changed, &t->lock);
		if (t->len == 0)
			break;
		/* Nobody writes to the piece while it has a length. */
		pthread_mutex_unlock(&t->lock);
		sha256_add(&t->hash, t->piece, t->len);
		pthread_mutex_lock(&t->lock);
		t->len = 0;
		pthread_cond_signal(&t->changed);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

struct hash_thread *hash_thread_new(void)
{
	struct hash_thread *t = xcalloc(1, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, NULL);
	sha256_start(&t->hash);
	t->piece = xmalloc(PIECE_BYTES);
	t->runs = pthread_create(&t->thread, NULL, work, t) == 0;
	return t;
}

void hash_thread_add(struct hash_thread *t, const void *data, size_t len)
{
	if (!t->runs) {
		sha256_add(&t->hash, data, len);
		return;
	}
	for (size_t done = 0; done < len;) {
		size_t n = len - done < PIECE_BYTES ? len - done : PIECE_BYTES;
		pthread_mutex_lock(&t->lock);
		while (t->len > 0)
			pthread_cond_wait(&t->changed, &t->lock);
		memcpy(t->piece, (const char *)data + done, n);
		t->len = n;
		pthread_cond_signal(&t->changed);
		pthread_mutex_unlock(&t->lock);
		done += n;
	}
}

static void stop(struct hash_thread *t)
{
	if (!t->runs)
		return;
	pthread_mutex_lock(&t->lock);
	t->ends = true;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	t->runs = false;
}

void hash_thread_finish(struct hash_thread *t, char hex[SHA256_HEX_LEN + 1])
{
	stop(t);
	sha256_finish(&t->hash, hex);
}

void hash_thread_free(struct hash_thread *t)
{
	if (!t)
		return;
	stop(t);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t->piece);
	free(t);
}
