/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A site's report: bounded JSON from outside. Format: docs/spec/gate.md */
#ifndef WAYBILL_REPORT_H
#define WAYBILL_REPORT_H

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"
#include "common/util.h"
#include "repo-tools/repo.h"

#define REPORT_MAX_BYTES (64 * 1024)

struct report {
	struct json_object *json;	/* all of it */
	/* Borrowed from json, never NULL; control characters are the printer's business. */
	const char *time;
	const char *result;
	const char *reason;		/* or NULL */
	int64_t serial;
	int64_t exit_code;
};

void report_free(struct report *report);
DEFINE_FREEP(struct report, report_free)

/* Parse text that claims to be the report of `site`.
 * Errors: ERR_INPUT (no JSON, another format or site), ERR_TOO_LARGE. */
int report_parse(const char *text, size_t len, const char *site, struct report **out,
		 struct err *err) _must_check_;

/* Text from a site may try to steer the operator's terminal: control characters become
 * '?'. Free it. */
char *report_printable(const char *text);

/* What the site says of its host, a sentence each, made printable. */
void report_host_words(const struct report *report, struct strv *words);

/* The same, and a sentence for each instance that is not as it should be. */
void report_words(const struct report *report, struct strv *words);

/* The last report; *out NULL and 0 if there is none yet. */
int report_read(const struct repo *repo, const char *site, struct report **out,
		struct err *err) _must_check_;

#endif
