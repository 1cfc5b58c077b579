/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/code-book.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <nettle/md5.h>
#include <nettle/memops.h>

#include "common/util.h"

struct entry {
	struct vnc_key key;
	int64_t end_ms;
	struct code_grant grant; /* its strings are ours */
	char code[CODE_LEN + 1];
};

struct code_book {
	struct entry *entries;
	size_t count, size;
};

void code_of_job(const char *job, char code[CODE_LEN + 1])
{
	struct md5_ctx md5;
	uint8_t digest[CODE_LEN];
	md5_init(&md5);
	md5_update(&md5, strlen(job), (const uint8_t *)job);
	md5_digest(&md5, sizeof(digest), digest);
	for (size_t i = 0; i < CODE_LEN; i++)
		code[i] = (char)(digest[i] % 94 + 32);
	code[CODE_LEN] = '\0';
}

/* Characters that nobody takes for one another; eight of them are 39 bits. */
static const char alphabet[] = "23456789abcdefghjkmnpqrstuvwxyz";

void code_mint(char code[CODE_LEN + 1])
{
	const size_t count = sizeof(alphabet) - 1;
	for (size_t i = 0; i < CODE_LEN;) {
		uint8_t b;
		if (getrandom(&b, 1, 0) != 1)
			continue;
		/* A multiple of count, so that each is as likely. */
		if (b < 256 / count * count)
			code[i++] = alphabet[b % count];
	}
	code[CODE_LEN] = '\0';
}

struct code_book *code_book_new(void)
{
	return xcalloc(1, sizeof(struct code_book));
}

static void forget(struct code_book *book, size_t i)
{
	struct entry *entry = &book->entries[i];
	free((char *)entry->grant.machine);
	free((char *)entry->grant.user);
	free((char *)entry->grant.recording);
	*entry = book->entries[--book->count];
	explicit_bzero(&book->entries[book->count], sizeof(*entry));
}

void code_book_freep(struct code_book **book)
{
	if (!*book)
		return;
	while ((*book)->count > 0)
		forget(*book, 0);
	free((*book)->entries);
	free(*book);
	*book = NULL;
}

size_t code_book_count(const struct code_book *book)
{
	return book->count;
}

static int check_code(const char *code, struct err *err)
{
	if (strlen(code) != CODE_LEN)
		return err_set(err, ERR_INPUT, "a code has %d characters", CODE_LEN);
	for (const char *p = code; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return err_set(
				err, ERR_INPUT,
				"a code has a character that is not printable ASCII");
	return 0;
}

int code_book_add(struct code_book *book, const char *code,
		  const struct code_grant *grant, int64_t end_ms, struct err *err)
{
	if (check_code(code, err) < 0)
		return -1;
	for (size_t i = 0; i < book->count; i++)
		if (memeql_sec(book->entries[i].code, code, CODE_LEN))
			return err_set(err, ERR_EXISTS, "the code is registered already");
	if (book->count == book->size) {
		book->size = book->size ? 2 * book->size : 16;
		book->entries =
			xrealloc(book->entries, book->size * sizeof(*book->entries));
	}
	struct entry *entry = &book->entries[book->count++];
	vnc_key_init(&entry->key, code);
	entry->end_ms = end_ms;
	entry->grant = *grant;
	entry->grant.machine = xstrdup(grant->machine);
	entry->grant.user = grant->user ? xstrdup(grant->user) : NULL;
	entry->grant.recording = grant->recording ? xstrdup(grant->recording) : NULL;
	memcpy(entry->code, code, CODE_LEN + 1);
	return 0;
}

void code_book_remove(struct code_book *book, const char *code)
{
	for (size_t i = 0; i < book->count; i++) {
		if (strcmp(book->entries[i].code, code) == 0) {
			forget(book, i);
			return;
		}
	}
}

void code_book_remove_machine(struct code_book *book, const char *machine)
{
	for (size_t i = book->count; i-- > 0;)
		if (strcmp(book->entries[i].grant.machine, machine) == 0)
			forget(book, i);
}

static bool same_or_null(const char *a, const char *b)
{
	return (!a && !b) || str_same(a, b);
}

void code_book_trim(struct code_book *book, const struct code_grant *grant, size_t max)
{
	size_t count = 0, oldest = 0;
	for (size_t i = 0; i < book->count; i++) {
		const struct entry *entry = &book->entries[i];
		if (entry->end_ms == CODE_FOR_EVER || !str_eq(entry->grant.machine, grant->machine) ||
		    !same_or_null(entry->grant.user, grant->user))
			continue;
		if (count++ == 0 || entry->end_ms < book->entries[oldest].end_ms)
			oldest = i;
	}
	if (count < max || count == 0)
		return;
	forget(book, oldest);
	code_book_trim(book, grant, max);
}

static bool is_over(const struct entry *entry, int64_t now_ms)
{
	return entry->end_ms != CODE_FOR_EVER && entry->end_ms <= now_ms;
}

void code_book_expire(struct code_book *book, int64_t now_ms)
{
	for (size_t i = book->count; i-- > 0;)
		if (is_over(&book->entries[i], now_ms))
			forget(book, i);
}

int code_book_find(const struct code_book *book,
		   const uint8_t challenge[VNC_CHALLENGE_BYTES],
		   const uint8_t response[VNC_CHALLENGE_BYTES], int64_t now_ms,
		   const char **code, const struct code_grant **grant)
{
	/* No branch on what was found; `count` stands for nothing. */
	size_t found = book->count;
	for (size_t i = 0; i < book->count; i++) {
		/* One of DES's two blocks tells; the other is looked at below. */
		uint8_t expected[DES_BLOCK_SIZE];
		des_encrypt(&book->entries[i].key.des, sizeof(expected), expected, challenge);
		size_t same = (size_t)memeql_sec(expected, response, sizeof(expected));
		found = (found & (same - 1)) | (i & -same);
	}
	if (found == book->count || is_over(&book->entries[found], now_ms))
		return -1;
	uint8_t whole[VNC_CHALLENGE_BYTES];
	vnc_key_respond(&book->entries[found].key, challenge, whole);
	if (!memeql_sec(whole, response, sizeof(whole)))
		return -1;
	*code = book->entries[found].code;
	*grant = &book->entries[found].grant;
	return 0;
}

bool code_book_is_one_time(const struct code_book *book, const char *code)
{
	for (size_t i = 0; i < book->count; i++)
		if (memeql_sec(book->entries[i].code, code, CODE_LEN))
			return book->entries[i].end_ms != CODE_FOR_EVER;
	return false;
}
