/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state file beside a partial file: which bytes were received, and their hashes.
 * Format: docs/spec/partial-state.md */
#ifndef PKGMGR_PARTIAL_STATE_H
#define PKGMGR_PARTIAL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/hash.h"
#include "common/strbuf.h"

#define PARTIAL_MAX_SOURCES 16
/* 65,536 lines of blocks, and 16 of sources. */
#define PARTIAL_STATE_MAX_BYTES (6u << 20)

struct partial_block {
	uint32_t length;		/* bytes from its start on that are here; 0: none */
	char sha256[SHA256_HEX_LEN + 1]; /* of those */
};

struct partial_source {
	char *uri;
	char *validator;		/* an ETag or a date, as If-Range takes it; or NULL */
};

struct partial_state {
	char sha256[SHA256_HEX_LEN + 1]; /* of the whole file */
	uint64_t size_bytes;
	uint32_t block_bytes;
	struct partial_block *blocks;
	size_t block_count;
	struct partial_source sources[PARTIAL_MAX_SOURCES];
	size_t source_count;
};

/* Nothing received yet of a file of this hash and size. */
void partial_state_init(struct partial_state *state, const char *sha256, uint64_t size_bytes);
void partial_state_destroy(struct partial_state *state);

/* Parse the text of a state file into *state (destroy it), which is only set on success.
 * Errors: ERR_INPUT, ERR_TOO_LARGE. */
int partial_state_parse(const char *text, size_t len, struct partial_state *state,
			struct err *err) _must_check_;
void partial_state_format(const struct partial_state *state, struct strbuf *out);

/* How long block `i` is when it is complete; bytes that are here of all blocks. */
uint32_t partial_state_block_length(const struct partial_state *state, size_t i);
uint64_t partial_state_received(const struct partial_state *state);

/* The first run of missing bytes, [*from, *to). False: nothing is missing. */
bool partial_state_gap(const struct partial_state *state, uint64_t *from, uint64_t *to);

/* The source of this URI, or NULL. */
struct partial_source *partial_state_source(struct partial_state *state, const char *uri);
/* Note that bytes came from there; validator NULL: it gave none. When there is no room,
 * the oldest makes way. Text that fits no line counts as none. */
void partial_state_note_source(struct partial_state *state, const char *uri,
			       const char *validator);

#endif
