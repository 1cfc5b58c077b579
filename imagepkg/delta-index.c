/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/delta-index.h"

enum { READ_BYTES = 1 << 20, MAX_SLOT_BITS = 24, MIN_SLOT_BITS = 10 };

struct delta_index {
	uint32_t *slots;	/* fingerprints, open addressing; 0: free */
	size_t mask, used, max_used;
};

/* Four lanes, so that the multiplications run beside each other. Never 0. */
static uint64_t fingerprint(const void *block)
{
	uint64_t lanes[4] = { 1, 2, 3, 4 };
	const char *at = block;
	for (size_t i = 0; i < DELTA_BLOCK; i += 32)
		for (size_t lane = 0; lane < 4; lane++) {
			uint64_t word;
			memcpy(&word, at + i + 8 * lane, sizeof(word));
			lanes[lane] = (lanes[lane] ^ word) * UINT64_C(0x9e3779b97f4a7c15);
			lanes[lane] ^= lanes[lane] >> 32;
		}
	uint64_t all = lanes[0];
	for (size_t lane = 1; lane < 4; lane++)
		all = (all ^ lanes[lane]) * UINT64_C(0xff51afd7ed558ccd) + (all >> 29);
	return all | 1;
}

/* The slot that has the fingerprint, or the free one where it belongs. */
static uint32_t *find_slot(const struct delta_index *index, uint64_t print)
{
	size_t at = (size_t)(print >> 33) & index->mask;
	while (index->slots[at] && index->slots[at] != (uint32_t)print)
		at = (at + 1) & index->mask;
	return &index->slots[at];
}

void delta_index_add(struct delta_index *index, const void *block)
{
	if (index->used == index->max_used)
		return;
	uint64_t print = fingerprint(block);
	uint32_t *slot = find_slot(index, print);
	if (!*slot)
		index->used++;
	*slot = (uint32_t)print;
}

bool delta_index_has(const struct delta_index *index, const void *block)
{
	static const char zeros[DELTA_BLOCK];
	return *find_slot(index, fingerprint(block)) != 0 || memcmp(block, zeros, DELTA_BLOCK) == 0;
}

int delta_index_new(const struct delta_basis *basis, struct delta_index **out, struct err *err)
{
	_cleanup_(delta_index_freep) struct delta_index *index = xcalloc(1, sizeof(*index));
	_cleanup_free_ char *buf = xmalloc(READ_BYTES);
	unsigned bits = MIN_SLOT_BITS;
	*out = NULL;
	while (bits < MAX_SLOT_BITS && (UINT64_C(1) << bits) < 2 * basis->bytes / DELTA_BLOCK)
		bits++;
	index->slots = xcalloc((size_t)1 << bits, sizeof(*index->slots));
	index->mask = ((size_t)1 << bits) - 1;
	index->max_used = index->mask / 4 * 3;
	for (uint64_t at = 0; at < basis->bytes;) {
		size_t n = basis->bytes - at < READ_BYTES ? (size_t)(basis->bytes - at) : READ_BYTES;
		if (delta_basis_read(basis, at, buf, n, err) != 0)
			return -1;
		for (size_t i = 0; i < n; i += DELTA_BLOCK)
			delta_index_add(index, buf + i);
		at += n;
	}
	*out = steal(&index);
	return 0;
}

void delta_index_free(struct delta_index *index)
{
	if (!index)
		return;
	free(index->slots);
	free(index);
}
