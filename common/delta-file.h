/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of contents of a delta: what it was made from, what it makes, and which member
 * makes which bytes. Format: docs/spec/delta.md */
#ifndef WAYBILL_DELTA_FILE_H
#define WAYBILL_DELTA_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/hash.h"
#include "common/strbuf.h"
#include "common/util.h"

#define DELTA_FORMAT "waybill-delta 1"
#define DELTA_META_MEMBER "meta.zst"
#define DELTA_BLOCK 4096		/* what each part of the basis is padded to */
#define DELTA_MAX_META_PACKED (4 << 20)	/* bytes of the member */
#define DELTA_MAX_META_BYTES (8 << 20)	/* and unpacked */
#define DELTA_MAX_MEMBERS 20000
#define DELTA_MAX_BASIS 8
#define DELTA_MAX_RANGES 500000		/* of a member */
#define DELTA_PAIR_MAX_BYTES (32 << 20)	/* of a pair: old and new bytes together */
#define DELTA_PAIR_MAX_NEW (16 << 20)	/* and new ones alone */
#define DELTA_STREAM_WINDOW_LOG 23	/* of an rdiff member's zstd frame, at most */
#define DELTA_MAX_CONTROL_BYTES (64 << 20)

struct delta_range {
	uint64_t offset, bytes;	/* in the basis */
};

struct delta_ranges {
	struct delta_range *items;
	size_t count;
	uint64_t bytes;		/* of all together */
};

void delta_ranges_destroy(struct delta_ranges *ranges);
/* Append; one that begins where the last one ends makes that longer. */
void delta_ranges_add(struct delta_ranges *ranges, uint64_t offset, uint64_t bytes);

struct delta_basis_file {
	char *name;		/* "disk.qcow2" */
	uint64_t bytes;
	char sha256[SHA256_HEX_LEN + 1];
};

enum delta_method {
	DELTA_PAIR,	/* zstd with the ranges as prefix; the result is added to the basis */
	DELTA_RDIFF,	/* zstd of an rdiff delta from the ranges; adds to data.tar */
};

struct delta_member {
	char *name;
	enum delta_method method;
	uint64_t packed_bytes;	/* in the container */
	uint64_t bytes;		/* that it makes */
	struct delta_ranges ranges;
};

struct delta_meta {
	char *package, *architecture, *old_version, *new_version;
	char *control_name;	/* "control.tar.zst" */
	uint64_t control_bytes;
	char control_sha256[SHA256_HEX_LEN + 1];	/* as in Packages: Image-Control-SHA256 */
	char data_sha256[SHA256_HEX_LEN + 1];		/* of the uncompressed data.tar */
	uint64_t data_bytes;
	struct delta_basis_file basis[DELTA_MAX_BASIS];
	size_t basis_count;
	struct delta_member *members;	/* all pairs, then all rdiff members */
	size_t member_count;
};

/* Parse the unpacked text of the member meta.zst. What it says is consistent then: each
 * range lies in what is there when its member's turn comes, sizes are within the bounds
 * above and add up to data_bytes. Returns 0 and *out (free with delta_meta_free), or -1.
 * Errors: ERR_INPUT, ERR_TOO_LARGE.  Source: docs/spec/delta.md */
int delta_meta_parse(const char *text, size_t len, struct delta_meta **out,
		     struct err *err) _must_check_;
void delta_meta_free(struct delta_meta *meta);
DEFINE_FREEP(struct delta_meta, delta_meta_free)

/* Add an empty member; borrowed until the next one is added. name is copied. */
struct delta_member *delta_meta_add(struct delta_meta *meta, const char *name,
				    enum delta_method method);

/* The text that delta_meta_parse() reads, appended to *out. */
void delta_meta_format(const struct delta_meta *meta, struct strbuf *out);

/* Length of the basis before the first pair is added: each file padded to DELTA_BLOCK. */
uint64_t delta_meta_basis_bytes(const struct delta_meta *meta);

static inline uint64_t delta_padded(uint64_t bytes)
{
	return (bytes + DELTA_BLOCK - 1) / DELTA_BLOCK * DELTA_BLOCK;
}

/* --- the container around it: ar(5), as in a .deb ------------------------------- */

#define DELTA_AR_MAGIC "!<arch>\n"
#define DELTA_AR_HEADER_BYTES 60
#define DELTA_AR_MEMBER_MAX UINT64_C(9999999999)

/* Fill in a header; name has at most 15 characters, bytes are at most DELTA_AR_MEMBER_MAX. */
void delta_ar_header(char header[DELTA_AR_HEADER_BYTES + 1], const char *name, uint64_t bytes);

/* Read a header that must be of the member `name`. Errors: ERR_INPUT. */
int delta_ar_parse(const char header[DELTA_AR_HEADER_BYTES], const char *name, uint64_t *bytes,
		   struct err *err) _must_check_;

#endif
