/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one sync would change, and why: filled by the bridge to libapt-pkg, judged
 * by the guard, fetched, committed, recorded and printed. */
#ifndef PKGMGR_PLAN_H
#define PKGMGR_PLAN_H

#include <json-c/json_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"
#include "common/util.h"

enum plan_verb { PLAN_INSTALL, PLAN_UPGRADE, PLAN_DOWNGRADE, PLAN_REMOVE };

/* A delta that the plan would rather fetch than the package. */
struct plan_delta {
	char *sha256;
	uint64_t size_bytes;
	struct strv uris;
};
void plan_delta_destroy(struct plan_delta *delta);
enum { PLAN_MAX_DELTAS = 2 };

/* Where the bytes of a version come from, as the signed index says. */
struct plan_archive {
	char *sha256;		/* 64 hexadecimal digits */
	uint64_t size_bytes;
	struct strv uris;	/* tried in this order */
	char *path;		/* of the fetched file, set by fetch; or NULL */
	/* Of an image package, from its signed stanza; else NULL: */
	char *control_sha256, *data_sha256;
	uint64_t data_bytes;
	struct plan_delta deltas[PLAN_MAX_DELTAS];	/* in the order they are applied in */
	size_t delta_count;
	char *rebuilt_sha256;	/* of the file at path, if deltas have made it; else NULL */
	uint64_t rebuilt_bytes;
};

void plan_archive_destroy(struct plan_archive *archive);

/* Bytes of all its deltas. */
uint64_t plan_deltas_bytes(const struct plan_archive *archive);

struct plan_action {
	enum plan_verb verb;
	char *package;		/* "askom", "libfoo:i386" for a foreign architecture */
	char *from_version;	/* or NULL */
	char *to_version;	/* or NULL */
	const char *reason;	/* "musthave", "dependency", ...; static */
	bool wanted;		/* musthave names it: manual, as apt says */
	bool ours;		/* Waybill installed it, or it comes from our repository */
	bool host;		/* no list asks for it: the host's own upgrade, or an old kernel */
	bool essential;		/* Essential, Important or Protected */
	bool running_kernel;
	uint64_t installed_bytes; /* of to_version */
	struct plan_archive archive; /* of to_version */
};

/* One name of musthave: what should be and what is. */
struct plan_want {
	char *package;
	char *wanted_version;	/* or NULL: there is none */
	char *installed_version; /* or NULL */
};

struct plan {
	struct plan_action *actions; /* sorted by package */
	size_t action_count;
	struct plan_want *wants; /* sorted by package */
	size_t want_count;
	struct strv notes;	/* sentences that the operator should read */
	struct strv delta_indexes; /* SHA-256 of each Deltas that was read */
};

struct plan *plan_new(void);
void plan_free(struct plan *plan);
DEFINE_FREEP(struct plan, plan_free)

/* Append one, zeroed; the pointer is good until the next call. */
struct plan_action *plan_add_action(struct plan *plan);
struct plan_want *plan_add_want(struct plan *plan);
void plan_sort(struct plan *plan);

/* How many of this kind; bytes still to be fetched (archives without a path);
 * bytes that the new versions take on the disk. */
size_t plan_count(const struct plan *plan, enum plan_verb verb);
uint64_t plan_fetch_bytes(const struct plan *plan);
uint64_t plan_installed_bytes(const struct plan *plan);

/* "install", "upgrade", "downgrade", "remove". */
const char *plan_verb_name(enum plan_verb verb);
/* "upgrade askom 1.3.0 -> 1.4.0 (musthave)"; free it. */
char *plan_action_describe(const struct plan_action *action);
/* "2 installed, 1 removed", or "nothing to do"; free it. */
char *plan_summary(const struct plan *plan);
/* { "actions": [...], "notes": [...] }; the caller owns it. */
struct json_object *plan_to_json(const struct plan *plan);

#endif
