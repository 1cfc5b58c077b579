/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/delta-window.h"

/* Some 25 bytes each in a table of contents of at most DELTA_MAX_META_BYTES. */
enum { MAX_RANGES = 200000, GAP_BYTES = DELTA_BLOCK };

static int by_offset(const void *a, const void *b)
{
	const struct delta_range *x = a, *y = b;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Sort, drop what is there twice, and take small gaps along: a range costs more. */
static void tidy(struct delta_ranges *ranges)
{
	struct delta_ranges out = { NULL, 0, 0 };
	if (ranges->count)
		qsort(ranges->items, ranges->count, sizeof(*ranges->items), by_offset);
	for (size_t i = 0; i < ranges->count; i++) {
		uint64_t start = ranges->items[i].offset, end = start + ranges->items[i].bytes;
		const struct delta_range *last = out.count ? &out.items[out.count - 1] : NULL;
		uint64_t last_end = last ? last->offset + last->bytes : 0;
		if (last && start <= last_end + GAP_BYTES)
			start = last_end;
		if (end > start)
			delta_ranges_add(&out, start, end - start);
	}
	delta_ranges_destroy(ranges);
	*ranges = out;
}

void delta_ranges_slice(const struct delta_ranges *ranges, uint64_t from, uint64_t to,
			struct delta_ranges *out)
{
	uint64_t at = 0;
	for (size_t i = 0; i < ranges->count && at < to; i++) {
		const struct delta_range *r = &ranges->items[i];
		uint64_t start = from > at ? from - at : 0;
		uint64_t end = to - at < r->bytes ? to - at : r->bytes;
		if (start < end)
			delta_ranges_add(out, r->offset + start, end - start);
		at += r->bytes;
	}
}

static void close_window(struct delta_filler *f)
{
	struct delta_plan *plan = f->plan;
	size_t n = plan->count;
	if (f->window.new.bytes == 0)
		return;
	/* zstd's own program takes no empty prefix. */
	if (f->window.old.count == 0)
		delta_ranges_add(&f->window.old, 0, DELTA_BLOCK);
	tidy(&f->window.old);
	f->window.start = f->next;
	f->next += delta_padded(f->window.new.bytes);
	plan->new_bytes += f->window.new.bytes;
	plan->range_count += f->window.old.count;
	if ((n & (n - 1)) == 0)
		plan->windows = xrealloc(plan->windows, (n ? 2 * n : 1) * sizeof(*plan->windows));
	plan->windows[plan->count++] = f->window;
	f->window = (struct delta_window){ .start = 0 };
}

uint64_t delta_filler_add(struct delta_filler *f, const struct delta_ranges *new,
			  const struct delta_ranges *old)
{
	/* The old ones may overlap, and gaps come along: room for that. */
	const uint64_t max_old = DELTA_WINDOW_OLD;
	if (f->window.new.bytes + new->bytes > DELTA_WINDOW_NEW ||
	    (f->window.new.bytes > 0 && f->window.old.bytes + old->bytes > max_old))
		close_window(f);
	uint64_t at = f->next + f->window.new.bytes;
	delta_ranges_slice(new, 0, new->bytes, &f->window.new);
	delta_ranges_slice(old, 0, max_old, &f->window.old);
	return at;
}

void delta_filler_finish(struct delta_filler *f)
{
	close_window(f);
}

bool delta_filler_is_full(const struct delta_filler *f)
{
	return f->plan->range_count + f->window.old.count > MAX_RANGES ||
	       f->plan->count > DELTA_MAX_MEMBERS / 2;
}
