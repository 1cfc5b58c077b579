/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of Release: what apt believes about a suite once it is signed.
 * Source: the Debian wiki's "DebianRepository/Format". */
#ifndef WAYBILL_RELEASE_H
#define WAYBILL_RELEASE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/hash.h"
#include "common/strbuf.h"
#include "common/util.h"
#include "repo-tools/repo-conf.h"

#define RELEASE_MAX_BYTES (1024 * 1024)

/* One line of its SHA256 field. */
struct release_file {
	char sha256[SHA256_HEX_LEN + 1];
	uint64_t size_bytes;
	char *path; /* below the suite: main/binary-amd64/Packages.gz */
};

struct release {
	int64_t date;	     /* Unix seconds */
	int64_t valid_until; /* Unix seconds */
	struct release_file *files;
	size_t file_count;
};

void release_destroy(struct release *release);
#define _cleanup_release_ __attribute__((cleanup(release_destroy)))

void release_add_file(struct release *release, const char *path, const char *sha256,
		      uint64_t size_bytes);
void release_format(const struct release *release, const struct repo_conf *conf,
		    const char *suite, struct strbuf *out);

/* Read back what release_format() wrote. Errors: ERR_INPUT, ERR_TOO_LARGE. */
int release_parse(const char *text, size_t len, const char *origin, struct release *out,
		  struct err *err) _must_check_;

#endif
