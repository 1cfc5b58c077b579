/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filling the windows of a plan, piece by piece. */
#ifndef WAYBILL_DELTA_WINDOW_H
#define WAYBILL_DELTA_WINDOW_H

#include "imagepkg/delta-plan.h"

/* Measured (bench/delta.sh): larger ones save little and cost memory on both sides. */
enum { DELTA_WINDOW_NEW = 8 << 20, DELTA_WINDOW_OLD = 8 << 20 };

struct delta_filler {
	struct delta_plan *plan;
	struct delta_window window;	/* the one that is being filled */
	uint64_t next;		/* where what it makes will lie in the basis */
};

/* Add a piece: new bytes, at most DELTA_WINDOW_NEW, and the old ones that they may be like, of
 * which those beyond DELTA_WINDOW_OLD are left out. Returns where the piece will lie in the
 * basis: if it begins at a multiple of DELTA_BLOCK in the new file, it does so there too. */
uint64_t delta_filler_add(struct delta_filler *filler, const struct delta_ranges *new,
			  const struct delta_ranges *old);

/* Close the last window. */
void delta_filler_finish(struct delta_filler *filler);

/* Whether there is no room for more pairs in a table of contents. */
bool delta_filler_is_full(const struct delta_filler *filler);

/* Append to *out the bytes [from, to) of `ranges`, taken as one piece. */
void delta_ranges_slice(const struct delta_ranges *ranges, uint64_t from, uint64_t to,
			struct delta_ranges *out);

#endif
