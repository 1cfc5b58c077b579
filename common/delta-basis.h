/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The basis of a delta: files end to end, each padded with zeros to DELTA_BLOCK, read as
 * one. Source: docs/spec/delta.md */
#ifndef WAYBILL_DELTA_BASIS_H
#define WAYBILL_DELTA_BASIS_H

#include <stddef.h>
#include <stdint.h>

#include "common/delta-file.h"
#include "common/err.h"

struct delta_part {
	int fd;			/* borrowed */
	uint64_t fd_offset;	/* where the part begins in fd */
	uint64_t bytes;
	uint64_t start;		/* in the basis */
};

struct delta_basis {
	struct delta_part parts[DELTA_MAX_BASIS + 1];	/* the last: what pairs have made */
	size_t count;
	uint64_t bytes;		/* a multiple of DELTA_BLOCK */
};

/* Add a part behind the last one. At most DELTA_MAX_BASIS + 1. */
void delta_basis_add(struct delta_basis *basis, int fd, uint64_t fd_offset, uint64_t bytes);

/* The last part has become longer: by `bytes`, which are a multiple of DELTA_BLOCK. */
void delta_basis_grow(struct delta_basis *basis, uint64_t bytes);

/* Read exactly [offset, offset + len). Errors: ERR_INPUT (beyond the end, or a file that is
 * shorter than it was), ERR_SYSTEM. */
int delta_basis_read(const struct delta_basis *basis, uint64_t offset, void *buf, size_t len,
		     struct err *err) _must_check_;

/* The same of a list of ranges, taken as one piece. */
int delta_basis_read_ranges(const struct delta_basis *basis, const struct delta_ranges *ranges,
			    uint64_t offset, void *buf, size_t len, struct err *err) _must_check_;

/* pread() until all is there. ERR_INPUT if the file ends before. */
int delta_pread(int fd, void *buf, size_t len, uint64_t offset, struct err *err) _must_check_;

/* Append [offset, offset + bytes) of one file to another. Errors: those of delta_pread() and
 * write_all(). */
int delta_copy(int from, uint64_t offset, uint64_t bytes, int to, struct err *err) _must_check_;

#endif
