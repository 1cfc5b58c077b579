/* SPDX-License-Identifier: GPL-3.0-or-later */
/* index.db: what is in the pool and in which suite, so that publishing one package
 * among thousands reads no package again. Format: docs/spec/repository.md */
#ifndef WAYBILL_INDEX_H
#define WAYBILL_INDEX_H

#include <stdint.h>

#include "common/err.h"
#include "common/hash.h"
#include "common/state.h"
#include "common/strbuf.h"
#include "common/strv.h"

/* A row of the table package; all strings owned. */
struct index_package {
	int64_t id;
	char *name;
	char *version;
	char *architecture;
	char sha256[SHA256_HEX_LEN + 1];
	uint64_t size_bytes;
	char *path;	/* below public/: pool/main/a/askom/askom_1.4.0_amd64.deb;
			 * NULL when gc has taken the file away */
	char *stanza;	/* as in Packages, ends in "\n" */
};

void index_package_destroy(struct index_package *package);
#define _cleanup_package_ __attribute__((cleanup(index_package_destroy)))

int index_open(const char *path, struct state **out, struct err *err) _must_check_;

/* 1 and *out filled (destroy it), 0 if there is none, -1 on error. */
int index_find(struct state *index, const char *name, const char *version,
	       const char *architecture, struct index_package *out, struct err *err) _must_check_;

/* Record a pool file; sets package->id. A row that gc has emptied is filled again.
 * The caller has made sure that (name, version, architecture) has no other hash. */
int index_put(struct state *index, struct index_package *package, struct err *err) _must_check_;

/* Put a package into a suite, or take it out. 1: changed, 0: was so already. */
int index_join(struct state *index, const char *suite, int64_t id, struct err *err) _must_check_;
int index_leave(struct state *index, const char *suite, int64_t id, struct err *err) _must_check_;

/* Of a suite: for how many percent of the sites it is, 100: all. 1: changed, 0: was so already. */
int index_set_phase(struct state *index, const char *suite, int64_t id, unsigned percent,
		    struct err *err) _must_check_;

/* Called for each row; -1 stops. `package` is borrowed. */
typedef int (*index_fn)(const struct index_package *package, void *arg, struct err *err);

/* Packages of a suite, by name and version, the highest version first.
 * `architecture` NULL: all; else those of it and of "all". `name` NULL: all.
 * `suite` NULL: whatever has a file in the pool. */
int index_each(struct state *index, const char *suite, const char *architecture,
	       const char *name, index_fn fn, void *arg, struct err *err) _must_check_;

/* Packages with a pool file that are in no suite. */
int index_each_unused(struct state *index, index_fn fn, void *arg, struct err *err) _must_check_;

/* Forget the file, never the hash: (name, version, architecture) stays taken. */
int index_drop_file(struct state *index, int64_t id, struct err *err) _must_check_;

/* The stanzas of one architecture, as Packages holds them. */
int index_packages_text(struct state *index, const char *suite, const char *architecture,
			struct strbuf *out, struct err *err) _must_check_;

/* The number of the directory that dists/<suite> should point to; 0: none yet. */
int index_get_number(struct state *index, const char *suite, int64_t *number,
		     struct err *err) _must_check_;
int index_set_number(struct state *index, const char *suite, int64_t number,
		     struct err *err) _must_check_;

/* Remember that publish `number` of a suite had an index file with this hash in `dir`
 * (main/binary-amd64), so that by-hash keeps it for the publishes that follow. */
int index_add_file(struct state *index, const char *suite, int64_t number, const char *dir,
		   const char *sha256, struct err *err) _must_check_;
/* Forget those of publishes below `before`. */
int index_forget_files(struct state *index, const char *suite, int64_t before,
		       struct err *err) _must_check_;
/* The hashes that are remembered for `dir`, appended. */
int index_files(struct state *index, const char *suite, const char *dir, struct strv *sha256s,
		struct err *err) _must_check_;

/* The suites that a package is in, and its percentage there. */
typedef void (*index_suite_fn)(const char *suite, unsigned percent, void *arg);
int index_each_suite(struct state *index, int64_t id, index_suite_fn fn, void *arg,
		     struct err *err) _must_check_;

#endif
