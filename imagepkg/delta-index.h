/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which blocks of 4 KiB the old files hold, as a set of fingerprints. A fingerprint that is
 * there by chance makes a delta a little larger, never wrong. */
#ifndef WAYBILL_DELTA_INDEX_H
#define WAYBILL_DELTA_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/delta-basis.h"

struct delta_index;

/* Read all of the basis. At most 64 MiB of memory: of a basis of more than 50 GB the end is
 * left out. Errors: those of delta_basis_read(). */
int delta_index_new(const struct delta_basis *basis, struct delta_index **out,
		    struct err *err) _must_check_;
void delta_index_free(struct delta_index *index);
DEFINE_FREEP(struct delta_index, delta_index_free)

void delta_index_add(struct delta_index *index, const void *block);

/* Whether the block, of DELTA_BLOCK bytes, is there. One of zeros always is. */
bool delta_index_has(const struct delta_index *index, const void *block);

#endif
