/* SPDX-License-Identifier: GPL-3.0-or-later */
/* private/enrolment: which tokens the operator made, and which machines have shown them.
 * Format: docs/spec/enrolment.md, "In the repository"
 *
 * The gate writes it beside commands that hold the repository's lock, so it has a lock of
 * its own. Crash-safety: it is replaced in one step, before a site's key.pub is; a gate
 * that dies in between ends the work when the same key asks again. */
#ifndef WAYBILL_ENROLMENT_H
#define WAYBILL_ENROLMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/enrol.h"
#include "common/hash.h"
#include "repo-tools/repo.h"

struct enrolment_token {
	char sha256[SHA256_HEX_LEN + 1];
	char *site;		/* NULL: a batch token */
	uint64_t uses;		/* machines that it is good for, >= 1 */
	bool approved;		/* false: its machines wait for the operator */
	int64_t made;		/* Unix seconds */
	int64_t expires;
};

enum machine_status {
	MACHINE_PENDING,
	MACHINE_ENROLLED,
	MACHINE_REFUSED,	/* somebody else had its token before */
	MACHINE_REVOKED,
	MACHINE_REPLACED,	/* another machine became its site */
};

struct enrolment_machine {
	char *fingerprint;	/* "SHA256:..." of its key */
	char *public_key;
	char token[SHA256_HEX_LEN + 1]; /* "": none, its key was set by hand */
	enum machine_status status;
	char *site;		/* which it is, was, or wants to be; or NULL */
	char *reason;		/* for the operator, or NULL */
	int64_t first_seen;
	int64_t last_seen;
	int64_t since;		/* of its status */
	struct enrol_facts facts;
};

struct enrolment {
	struct enrolment_token *tokens;
	size_t token_count;
	struct enrolment_machine *machines;
	size_t machine_count;
	int lock_fd;		/* -1: opened for reading */
};

/* For reading, or (REPO_WRITE) with the lock, for which it waits at most 20 s. Nothing there
 * yet is empty. Errors: ERR_INPUT, ERR_BUSY, ERR_SYSTEM. */
int enrolment_open(const struct repo *repo, enum repo_access access, struct enrolment **out,
		   struct err *err) _must_check_;
void enrolment_free(struct enrolment *e);
DEFINE_FREEP(struct enrolment, enrolment_free)
/* The lock is held. */
int enrolment_save(const struct repo *repo, const struct enrolment *e, struct err *err)
	_must_check_;

/* The file's text and back, for tests: as enrolment_open() and _save(). */
int enrolment_parse(const char *text, size_t len, const char *origin, struct enrolment **out,
		    struct err *err) _must_check_;
void enrolment_format(const struct enrolment *e, struct strbuf *out);

/* Borrowed, or NULL; a pointer is good until the next is added. */
struct enrolment_token *enrolment_token(const struct enrolment *e, const char *sha256);
struct enrolment_machine *enrolment_machine(const struct enrolment *e, const char *fingerprint);
/* The one machine that is this site now, or NULL. */
struct enrolment_machine *enrolment_of_site(const struct enrolment *e, const char *site);

struct enrolment_token *enrolment_add_token(struct enrolment *e);
/* A pending machine, seen first at `now`. */
struct enrolment_machine *enrolment_add_machine(struct enrolment *e, const char *fingerprint,
						const char *public_key, int64_t now);
void enrolment_drop_token(struct enrolment *e, struct enrolment_token *token);

/* Status, the time of it, and the reason (copied; NULL: none). */
void machine_set(struct enrolment_machine *machine, enum machine_status status, int64_t now,
		 const char *reason);
const char *machine_status_name(enum machine_status status);

/* How many machines have the token, those that were refused it apart; or those. */
size_t enrolment_token_used(const struct enrolment *e, const char *sha256);
size_t enrolment_token_refused(const struct enrolment *e, const char *sha256);

#endif
