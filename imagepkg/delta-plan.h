/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which new bytes a delta sends as pairs with which old ones. Nothing here decides whether a
 * delta is right, only how small it gets. */
#ifndef WAYBILL_DELTA_PLAN_H
#define WAYBILL_DELTA_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "common/delta-basis.h"
#include "imagepkg/delta-tar.h"

/* New bytes that are compressed in one piece, with old ones as prefix. */
struct delta_window {
	struct delta_ranges new;	/* in the new data.tar */
	struct delta_ranges old;	/* in the basis, sorted; also in what earlier windows make */
	uint64_t start;			/* in the basis: where what it makes will lie */
};

struct delta_plan {
	struct delta_window *windows;
	size_t count;
	uint64_t new_bytes;	/* of all windows */
	uint64_t copied_bytes;	/* of those in the initrd: mostly copies, so quickly done */
	size_t range_count;	/* of all windows: what the table of contents will have */
};

/* old: the old package's data.tar, of which `basis` has the image files in the order of enum
 * delta_tar_id, those that are there. Errors: those of reading. */
int delta_plan_make(const struct delta_tar *old, const struct delta_tar *new,
		    const struct delta_basis *basis, struct delta_plan **out,
		    struct err *err) _must_check_;
void delta_plan_free(struct delta_plan *plan);
DEFINE_FREEP(struct delta_plan, delta_plan_free)

#endif
