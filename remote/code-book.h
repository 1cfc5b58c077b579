/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The codes that lead to machines: who may type what, and until when.
 * Source: docs/spec/mip.md, "Identifiers" */
#ifndef WAYBILL_CODE_BOOK_H
#define WAYBILL_CODE_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "remote/vnc-auth.h"

#define CODE_LEN VNC_PASSWORD_BYTES

/* The identifier of 2009 of a job. */
void code_of_job(const char *job, char code[CODE_LEN + 1]);

/* A new one-time code, from getrandom(2). */
void code_mint(char code[CODE_LEN + 1]);

struct code_book;

struct code_book *code_book_new(void);
void code_book_freep(struct code_book **book);
size_t code_book_count(const struct code_book *book);

enum { CODE_FOR_EVER = 0 };

/* What a code lets its bearer do. */
struct code_grant {
	const char *machine;
	const char *user; /* who asked for it, or NULL */
	bool view_only;
	const char *recording; /* of the machine, to be played; or NULL: the machine itself */
};

/* Register `code` (the grant is copied) until `end_ms` of the caller's clock, or CODE_FOR_EVER.
 * Errors: ERR_INPUT (not CODE_LEN printable ASCII characters), ERR_EXISTS (registered already). */
int code_book_add(struct code_book *book, const char *code, const struct code_grant *grant,
		  int64_t end_ms, struct err *err) _must_check_;

/* Forget a code; none there is well. */
void code_book_remove(struct code_book *book, const char *code);
/* Forget all codes of a machine, and those whose time is over. */
void code_book_remove_machine(struct code_book *book, const char *machine);
void code_book_expire(struct code_book *book, int64_t now_ms);

/* Of one-time codes for the same machine and user, forget the oldest, so that fewer than `max` are
 * left: each makes every search longer. */
void code_book_trim(struct code_book *book, const struct code_grant *grant, size_t max);

/* Which code gave this response to this challenge? Takes as long whichever it is. *code and *grant are
 * borrowed until the book changes. Returns -1 if none did or its time is over. */
int code_book_find(const struct code_book *book, const uint8_t challenge[VNC_CHALLENGE_BYTES],
		   const uint8_t response[VNC_CHALLENGE_BYTES], int64_t now_ms,
		   const char **code, const struct code_grant **grant) _must_check_;

/* Is this code good for one session only? */
bool code_book_is_one_time(const struct code_book *book, const char *code);

#endif
