/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The servers that one file can come from, and which of them is asked next.
 * Source: docs/spec/mirrors.md */
#ifndef PKGMGR_SOURCES_H
#define PKGMGR_SOURCES_H

#include "common/fetch-policy.h"
#include "pkgmgr/mirrors.h"

/* Each way of asking finds out more than the one before it. */
enum source_ask {
	ASK_IF_UNCHANGED,	/* what is missing, if the validator is still right */
	ASK_WITH_OVERLAP,	/* a little more than what is missing, to compare */
	ASK_WHOLE,		/* all of it; what is here is compared */
};

struct source {
	char *uri;
	bool peer;
	struct mirror *mirror;
	bool spent;		/* it cannot help with this file any more */
	bool other;		/* its file is another one than the first partial file */
	enum source_ask ask;
	unsigned failures;	/* in a row */
	unsigned restarts;	/* its file was begun anew */
	int64_t retry_at_ms;	/* monotonic */
};

struct sources {
	struct source *items;	/* peers first, then as given */
	size_t count;
};

/* uris: of the file. The mirrors are borrowed. */
void sources_init(struct sources *sources, const char *sha256, const struct strv *uris,
		  const struct fetch_policy *policy, struct mirrors *mirrors);
void sources_destroy(struct sources *sources);

/* The one to ask now, or NULL. Then *wake_ms is when one can be asked (monotonic), or 0:
 * never. `now` in Unix seconds. */
struct source *sources_pick(const struct sources *sources, int64_t now, int64_t *wake_ms);

/* Whether this one is to be measured by a small piece first, since others may be faster. */
bool sources_explores(const struct sources *sources, const struct source *source, int64_t now);

/* Whether another one that can be asked is known for more than four times this rate. */
bool sources_has_faster(const struct sources *sources, const struct source *than, uint64_t rate,
			int64_t now);

/* It did not answer or broke off; `progress`: after it had sent something that was worth it.
 * What fails too often in a row is spent. */
void source_failed(struct source *source, bool progress, int64_t now);

#endif
