/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this site remembers of the servers that it fetches from: how fast each is, and
 * which are not to be asked now. Format: docs/spec/mirrors.md */
#ifndef PKGMGR_MIRRORS_H
#define PKGMGR_MIRRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/root.h"
#include "common/strbuf.h"
#include "common/util.h"

#define MIRRORS_FILE "var/lib/waybill/mirrors"

/* All times in Unix seconds; 0: never. */
struct mirror {
	char *server;		/* "http://host:80" as the URI has it; "file:" for files */
	uint64_t rate;		/* bytes a second; 0: not known */
	int64_t measured_at;
	int64_t failed_until;
	int64_t bad_until;
	int64_t wait_until;
};

struct mirrors {
	struct mirror **items;	/* pointers stay good */
	size_t count;
};

/* Which are asked first; a lower class goes before a higher one. */
enum mirror_class { MIRROR_FINE, MIRROR_FAILED, MIRROR_BAD };

void mirrors_destroy(struct mirrors *mirrors);

/* Parse into an empty *mirrors; what is too old or lies too far ahead of `now` is
 * forgotten. Errors: ERR_INPUT, ERR_TOO_LARGE. */
int mirrors_parse(const char *text, size_t len, int64_t now, struct mirrors *mirrors,
		  struct err *err) _must_check_;
void mirrors_format(const struct mirrors *mirrors, struct strbuf *out);

/* A file that is missing or cannot be read gives no mirrors, and a warning. */
void mirrors_load(const struct root *root, int64_t now, struct mirrors *mirrors);
int mirrors_save(const struct root *root, const struct mirrors *mirrors,
		 struct err *err) _must_check_;

/* The one that this URI is of, made if it is new. */
struct mirror *mirrors_get(struct mirrors *mirrors, const char *uri);

/* So many bytes came in so many milliseconds; too few of them say nothing. */
void mirror_measured(struct mirror *mirror, uint64_t bytes, int64_t ms, int64_t now);
void mirror_failed(struct mirror *mirror, int64_t now);
void mirror_answered(struct mirror *mirror);
void mirror_proved_bad(struct mirror *mirror, int64_t now);
void mirror_asks_to_wait(struct mirror *mirror, int64_t seconds, int64_t now);

enum mirror_class mirror_class(const struct mirror *mirror, int64_t now);

#endif
