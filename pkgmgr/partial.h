/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that is being fetched, on the disk: what is there is proven by hashes when it is
 * opened, and what comes is written where it belongs or compared with what is there.
 * Source: docs/spec/partial-state.md */
#ifndef PKGMGR_PARTIAL_H
#define PKGMGR_PARTIAL_H

#include "common/util.h"
#include "pkgmgr/partial-state.h"

struct partial {
	char *path;
	char *state_path;
	int fd;
	struct partial_state state;
	bool resumed;		/* something was there when it was opened */
	bool dirty;		/* the state on the disk is older than ours */
	int64_t next_save_ms;	/* monotonic; not before, by time alone */
	/* The block that grows. */
	bool growing;
	size_t index;
	uint32_t length;	/* of which blocks[index].length are in the state */
	struct sha256 hash;
};

/* Open <path>, made if missing, and <path>.state. Only what its hash proves counts as
 * received; a foreign file begins anew. Errors: ERR_SYSTEM, ERR_NO_SPACE. */
int partial_open(const char *path, const char *sha256, uint64_t size_bytes,
		 struct partial **out, struct err *err) _must_check_;
/* Closes; what was not saved is not known to the next one. */
void partial_free(struct partial *part);
DEFINE_FREEP(struct partial, partial_free)

/* Bytes that are here, those of the growing block too. */
uint64_t partial_received(const struct partial *part);

/* Take bytes at `offset`. Where something is here already they are compared, elsewhere they
 * must go on where the bytes before them end. Errors: ERR_INCONSISTENT (other bytes are
 * here; nothing was written), ERR_SYSTEM, ERR_NO_SPACE. */
int partial_put(struct partial *part, uint64_t offset, const void *data, size_t len,
		struct err *err) _must_check_;

/* Make durable what is here. `now`: all of it; else only complete blocks, and not more often
 * than is good for the disk. */
int partial_save(struct partial *part, bool now, struct err *err) _must_check_;

/* The same for all of it, unless that would be a waste: a file of one block that is complete
 * is about to be hashed and renamed. */
int partial_save_end(struct partial *part, struct err *err) _must_check_;

/* Whether the whole file is here and has the signed hash; 1, 0 or -1. */
int partial_is_good(const struct partial *part, struct err *err) _must_check_;

/* Remove both files of this path; a partial that is open on them is of no use any more. */
int partial_remove(const char *path, struct err *err) _must_check_;

#endif
