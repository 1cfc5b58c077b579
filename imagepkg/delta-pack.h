/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compressing the windows of a plan, and the librsync delta that comes after them. */
#ifndef WAYBILL_DELTA_PACK_H
#define WAYBILL_DELTA_PACK_H

#include "common/delta-file.h"
#include "imagepkg/delta-plan.h"

/* What the members of a delta hold, one after the other in a temporary file. */
struct delta_payload {
	int fd;
	uint64_t bytes;
	uint64_t *offsets;	/* one for each member of the table of contents */
};
#define DELTA_PAYLOAD_INIT { .fd = -1 }

int delta_payload_open(struct delta_payload *payload, const char *tmp_dir,
		       struct err *err) _must_check_;
void delta_payload_close(struct delta_payload *payload);

/* Append what the windows make to the basis, whose last part is an empty file; compress them on
 * at most two processors, and add each to `meta` and `payload`.
 * Errors: ERR_NO_SPACE, ERR_SYSTEM. */
int delta_pack_pairs(const struct delta_plan *plan, const struct delta_tar *new,
		     struct delta_basis *basis, struct delta_meta *meta,
		     struct delta_payload *payload, struct err *err) _must_check_;

/* Add the librsync deltas that make the new data.tar out of the basis, one for each part of it
 * when it is larger than delta_segment_bytes, which is less in tests. */
extern uint64_t delta_segment_bytes;
int delta_pack_rdiff(const struct delta_tar *new, const struct delta_basis *basis,
		     struct delta_meta *meta, struct delta_payload *payload,
		     struct err *err) _must_check_;

#endif
