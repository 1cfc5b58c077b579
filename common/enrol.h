/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine and the gate say to each other until the machine is a site: the token
 * file, the request, the answer. The one reader and writer. Format: docs/spec/enrolment.md */
#ifndef WAYBILL_ENROL_H
#define WAYBILL_ENROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strbuf.h"
#include "common/strv.h"
#include "common/util.h"

/* "wb1-" and 32 characters. */
#define ENROL_TOKEN_LEN 36
#define ENROL_MAX_BYTES (16 * 1024)
/* Where the token lies at the site. */
#define ENROL_TICKET_PATH "etc/waybill/enrolment"

bool enrol_token_is_valid(const char *token);
/* A new one: 160 bits from getrandom(2). */
int enrol_token_make(char token[ENROL_TOKEN_LEN + 1], struct err *err) _must_check_;

/* /etc/waybill/enrolment. */
struct enrol_ticket {
	char *token;
	int64_t not_before;	/* Unix seconds: when the bundle was made */
};

void enrol_ticket_destroy(struct enrol_ticket *ticket);
void enrol_ticket_format(const struct enrol_ticket *ticket, struct strbuf *out);
/* Fills *out (destroy it), also on error. Errors: ERR_INPUT. */
int enrol_ticket_parse(const char *text, size_t len, const char *origin,
		       struct enrol_ticket *out, struct err *err) _must_check_;

/* What a machine says of itself: for the operator, and to find its site. */
struct enrol_facts {
	char *serial;		/* each or NULL */
	char *product;
	char *memory;		/* bytes, in decimal */
	char *release;
	struct strv macs;	/* lower case, "52:54:00:12:34:56" */
	struct strv disks;	/* "sda 500107862016" */
};

void enrol_facts_destroy(struct enrol_facts *facts);
/* As fields of a stanza, without the empty ones. */
void enrol_facts_format(const struct enrol_facts *facts, struct strbuf *out);
/* The facts among a stanza's fields; *out is empty on error.
 * Errors: ERR_INPUT, ERR_TOO_LARGE (too many lines, or too long ones). */
struct deb822_stanza;
int enrol_facts_parse(const struct deb822_stanza *stanza, const char *origin,
		      struct enrol_facts *out, struct err *err) _must_check_;

/* "52-54-00-AB-cd-EF" -> "52:54:00:ab:cd:ef"; NULL if it is no MAC. Free it. */
char *enrol_mac_normal(const char *text);

enum enrol_kind { ENROL_ENROLL, ENROL_PRESEED };

struct enrol_request {
	char *token;
	char *public_key;	/* "ssh-ed25519 AAAA..."; NULL with ENROL_PRESEED */
	char *site;		/* what the machine has been told that it is, or NULL */
	struct enrol_facts facts;
};

void enrol_request_destroy(struct enrol_request *request);
#define _cleanup_enrol_request_ __attribute__((cleanup(enrol_request_destroy)))
void enrol_request_format(const struct enrol_request *request, enum enrol_kind kind,
			  struct strbuf *out);
/* Parse text from anybody. *out is empty on error. Errors: ERR_INPUT, ERR_TOO_LARGE. */
int enrol_request_parse(const char *text, size_t len, enum enrol_kind kind,
			struct enrol_request *out, struct err *err) _must_check_;

enum enrol_status { ENROL_ENROLLED, ENROL_PENDING, ENROL_REFUSED };

struct enrol_answer {
	enum enrol_status status;
	char *site;	/* ENROL_ENROLLED: always; else perhaps NULL */
	char *reason;	/* a sentence, or NULL */
};

void enrol_answer_destroy(struct enrol_answer *answer);
#define _cleanup_enrol_answer_ __attribute__((cleanup(enrol_answer_destroy)))
/* "enrolled", "pending" or "refused". */
const char *enrol_status_name(enum enrol_status status);
void enrol_answer_format(const struct enrol_answer *answer, struct strbuf *out);
/* Parse the gate's answer; *out is empty on error. Errors: ERR_INPUT, ERR_TOO_LARGE. */
int enrol_answer_parse(const char *text, size_t len, const char *origin,
		       struct enrol_answer *out, struct err *err) _must_check_;

#endif
