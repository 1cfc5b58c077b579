/* SPDX-License-Identifier: GPL-3.0-or-later */
/* site.list: what one site must, may and may not have. The one reader and writer.
 * Format: docs/spec/site-list.md. Signatures are common/pgp's business. */
#ifndef WAYBILL_SITE_LIST_H
#define WAYBILL_SITE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/fetch-policy.h"
#include "common/host-policy.h"
#include "common/strbuf.h"
#include "common/util.h"

#define SITE_LIST_MAX_BYTES (1024 * 1024)
#define SITE_LIST_MAX_ENTRIES 10000

enum site_list_kind { LIST_MUSTHAVE, LIST_MAYHAVE, LIST_MAYNOTHAVE, LIST_KINDS };

enum entry_match {
	MATCH_NAME,	/* exactly this package */
	MATCH_GLOB,	/* an anchored glob: * ? [..] */
	MATCH_REGEX,	/* POSIX extended, was written as /re/, anchored by us */
};

struct site_list_entry {
	enum entry_match match;
	char *pattern;		/* name, glob, or regular expression without slashes */
	char *version;		/* of "name (= version)", only with MATCH_NAME; or NULL */
};

struct site_list_entries {
	struct site_list_entry *items;
	size_t count;
};

/* One appliance's parameter file, kept beside site.list as params/<appliance>. */
struct site_list_param {
	char *appliance;
	char sha256[65];
	uint64_t size_bytes;
};

struct site_list {
	char *site;
	uint64_t epoch;			/* raised when a serial must start again */
	uint64_t serial;
	int64_t date;			/* Unix seconds */
	int64_t valid_until;
	int64_t repository_not_before;	/* floor for Release's Date; 0: none */
	unsigned sync_minute;		/* of the day, local time; default 150 (02:30) */
	uint64_t splay_seconds;		/* default 2700 */
	bool scope_all;			/* false: only packages of our origin are removed */
	unsigned max_removals;		/* default 3 */
	struct host_policy host;
	struct fetch_policy fetch;
	struct site_list_param *params;
	size_t param_count;
	struct site_list_entries lists[LIST_KINDS];
};

struct site_list *site_list_new(void);	/* with the defaults above */
void site_list_free(struct site_list *list);
DEFINE_FREEP(struct site_list, site_list_free)

/* Parse signed text. Refuses what docs/spec/site-list.md forbids, among it a
 * name in two lists. Returns 0 and *out, or -1 with *out == NULL.
 * Errors: ERR_INPUT, ERR_TOO_LARGE. */
int site_list_parse(const char *text, size_t len, struct site_list **out, struct err *err) _must_check_;

/* The text to sign. The same list gives the same bytes. */
void site_list_format(const struct site_list *list, struct strbuf *out);

/* One line of an operator's musthave, mayhave or maynothave file, or one entry
 * of site.list. A blank line or comment gives 0 and a NULL pattern.
 * `entry` is overwritten; free it with site_list_entry_destroy(). */
int site_list_entry_parse(const char *line, enum site_list_kind kind,
			  struct site_list_entry *entry, struct err *err) _must_check_;
void site_list_entry_destroy(struct site_list_entry *entry);
char *site_list_entry_format(const struct site_list_entry *entry);
bool site_list_entry_matches(const struct site_list_entry *entry, const char *package);

/* A whole operator's file (pkgsync's syntax) appended to list->lists[kind]. */
int site_list_read_operator_file(const char *text, size_t len, const char *origin,
				 enum site_list_kind kind, struct site_list *list,
				 struct err *err) _must_check_;

/* ERR_INPUT if a name is in two lists, or musthave and maynothave overlap. */
int site_list_check(const struct site_list *list, struct err *err) _must_check_;

/* "musthave", "mayhave", "maynothave". */
const char *site_list_kind_name(enum site_list_kind kind);

#endif
