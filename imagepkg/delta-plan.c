/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/delta-plan.h"

#include "common/log.h"
#include "imagepkg/delta-cpio.h"
#include "imagepkg/delta-index.h"
#include "imagepkg/delta-tree.h"
#include "imagepkg/delta-window.h"
#include "imagepkg/qcow2-map.h"

enum {
	WHOLE_BYTES = 1 << 20,	/* a smaller file goes into a window whole */
	MERGE_BLOCKS = 16,	/* changed parts of a file that are nearer are one */
	SLACK_BYTES = 512 << 10,	/* old bytes on either side of where they should be */
	READ_BYTES = 1 << 20,
};

/* One of the image files, in the new data.tar and, if it was there, in the basis. */
struct side {
	uint64_t new_at, new_bytes;
	uint64_t old_at, old_bytes;
	uint8_t *known;		/* a bit for each new block: no need to send it */
};

/* Where the content of a new file can be had: what a copy of it in the initrd starts from. */
struct place {
	bool is_new;
	uint64_t at;		/* is_new: in the basis; else it is where it was */
};

struct planner {
	const struct delta_tar *old_tar, *new_tar;
	const struct delta_basis *basis;
	struct delta_index *index;
	struct side sides[DELTA_TAR_FILES];
	struct qcow2_map *old_map, *new_map;
	struct delta_tree *old_tree, *new_tree;
	struct place *places;	/* one for each file of new_tree */
	struct delta_filler filler;
};

static void planner_destroy(struct planner *p)
{
	delta_index_freep(&p->index);
	for (size_t i = 0; i < DELTA_TAR_FILES; i++)
		free(p->sides[i].known);
	delta_tree_freep(&p->old_tree);
	delta_tree_freep(&p->new_tree);
	qcow2_map_freep(&p->old_map);
	qcow2_map_freep(&p->new_map);
	free(p->places);
}

void delta_plan_free(struct delta_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->count; i++) {
		delta_ranges_destroy(&plan->windows[i].new);
		delta_ranges_destroy(&plan->windows[i].old);
	}
	free(plan->windows);
	free(plan);
}

/* --- what is known ----------------------------------------------------------------------- */

static bool is_known(const struct side *s, uint64_t block)
{
	return s->known[block / 8] >> block % 8 & 1;
}

static void mark_known(struct side *s, uint64_t from, uint64_t bytes)
{
	for (uint64_t b = from / DELTA_BLOCK; b * DELTA_BLOCK < from + bytes; b++)
		s->known[b / 8] |= (uint8_t)(1 << b % 8);
}

static int scan_side(struct planner *p, struct side *s, struct err *err)
{
	_cleanup_free_ char *buf = xmalloc(READ_BYTES);
	s->known = xcalloc(1, (size_t)(s->new_bytes / DELTA_BLOCK / 8) + 1);
	for (uint64_t at = 0; at < s->new_bytes;) {
		uint64_t left = s->new_bytes - at;
		size_t n = left < READ_BYTES ? (size_t)left : READ_BYTES;
		if (delta_pread(p->new_tar->fd, buf, n, s->new_at + at, err) != 0)
			return -1;
		memset(buf + n, 0, (size_t)delta_padded(n) - n);
		for (size_t i = 0; i < n; i += DELTA_BLOCK)
			if (delta_index_has(p->index, buf + i))
				mark_known(s, at + i, 1);
			else	/* sent once, and known from then on */
				delta_index_add(p->index, buf + i);
		at += n;
	}
	return 0;
}

static int scan(struct planner *p, struct err *err)
{
	size_t part = 0;
	for (size_t i = 0; i < DELTA_TAR_FILES; i++) {
		struct side *s = &p->sides[i];
		s->new_at = p->new_tar->files[i].offset;
		s->new_bytes = p->new_tar->files[i].bytes;
		s->old_bytes = p->old_tar->files[i].bytes;
		if (s->old_bytes > 0)
			s->old_at = p->basis->parts[part++].start;
		if (scan_side(p, s, err) != 0)
			return -1;
	}
	return 0;
}

/* --- pieces -------------------------------------------------------------------------------- */

/* `new` is in the file of `s`; `old` in the basis already. */
static uint64_t add_piece(struct planner *p, struct side *s, const struct delta_ranges *new,
			  const struct delta_ranges *old)
{
	struct delta_ranges in_tar = { NULL, 0, 0 };
	for (size_t i = 0; i < new->count; i++) {
		delta_ranges_add(&in_tar, s->new_at + new->items[i].offset, new->items[i].bytes);
		mark_known(s, new->items[i].offset, new->items[i].bytes);
	}
	uint64_t at = delta_filler_add(&p->filler, &in_tar, old);
	delta_ranges_destroy(&in_tar);
	return at;
}

/* Bytes [from, to) of the new ranges, with those that lie about there in the old ones. */
static uint64_t add_part(struct planner *p, struct side *s, const struct delta_ranges *new,
			 const struct delta_ranges *old, uint64_t from, uint64_t to)
{
	struct delta_ranges new_part = { NULL, 0, 0 }, old_part = { NULL, 0, 0 };
	uint64_t first = UINT64_MAX;
	/* What does not change size is not moved either, mostly. */
	double scale = new->bytes ? (double)old->bytes / (double)new->bytes : 0;
	while (from < to) {
		uint64_t end = to - from < DELTA_WINDOW_NEW / 2 ? to : from + DELTA_WINDOW_NEW / 2;
		uint64_t old_from = (uint64_t)((double)from * scale);
		uint64_t old_to = (uint64_t)((double)end * scale) + SLACK_BYTES;
		old_from = old_from < SLACK_BYTES ? 0 : (old_from - SLACK_BYTES) & ~UINT64_C(4095);
		delta_ranges_slice(new, from, end, &new_part);
		delta_ranges_slice(old, old_from, old_to, &old_part);
		uint64_t at = add_piece(p, s, &new_part, &old_part);
		first = first == UINT64_MAX ? at : first;
		delta_ranges_destroy(&new_part);
		delta_ranges_destroy(&old_part);
		from = end;
	}
	return first;
}

static bool has_unknown(const struct side *s, const struct delta_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++) {
		const struct delta_range *r = &ranges->items[i];
		for (uint64_t b = r->offset / DELTA_BLOCK; b * DELTA_BLOCK < r->offset + r->bytes; b++)
			if (!is_known(s, b))
				return true;
	}
	return false;
}

/* The parts of a large file that are not known. Returns where it lies if all of it is sent,
 * else UINT64_MAX. */
static uint64_t add_unknown_parts(struct planner *p, struct side *s, const struct delta_ranges *new,
				  const struct delta_ranges *old)
{
	uint64_t at = 0, from = UINT64_MAX, to = 0, first = UINT64_MAX;
	for (size_t i = 0; i < new->count; i++)
		for (uint64_t done = 0; done < new->items[i].bytes; done += DELTA_BLOCK, at += DELTA_BLOCK) {
			if (is_known(s, (new->items[i].offset + done) / DELTA_BLOCK))
				continue;
			if (from != UINT64_MAX && at > to + MERGE_BLOCKS * DELTA_BLOCK) {
				add_part(p, s, new, old, from, to);
				from = UINT64_MAX;
			}
			from = from == UINT64_MAX ? at : from;
			to = at + DELTA_BLOCK < new->bytes ? at + DELTA_BLOCK : new->bytes;
		}
	if (from != UINT64_MAX)
		first = add_part(p, s, new, old, from, to);
	return from == 0 && to == new->bytes ? first : UINT64_MAX;
}

/* --- the files of a file system --------------------------------------------------------------- */

static void add_tree_file(struct planner *p, size_t index)
{
	struct side *disk = &p->sides[DELTA_TAR_DISK];
	const struct delta_tree_file *new = &p->new_tree->files[index];
	const struct delta_tree_file *old = delta_tree_find(p->old_tree, new->path, true);
	struct delta_ranges old_ranges = { NULL, 0, 0 };
	if (!has_unknown(disk, &new->ranges) || delta_filler_is_full(&p->filler))
		return;
	for (size_t i = 0; old && i < old->ranges.count; i++)
		delta_ranges_add(&old_ranges, disk->old_at + old->ranges.items[i].offset,
				 old->ranges.items[i].bytes);
	uint64_t at = new->ranges.bytes <= WHOLE_BYTES
			      ? add_part(p, disk, &new->ranges, &old_ranges, 0, new->ranges.bytes)
			      : add_unknown_parts(p, disk, &new->ranges, &old_ranges);
	p->places[index] = (struct place){ at != UINT64_MAX, at };
	delta_ranges_destroy(&old_ranges);
}

static int add_trees(struct planner *p, struct err *err)
{
	const struct side *disk = &p->sides[DELTA_TAR_DISK];
	_cleanup_err_ struct err ignored = ERR_INIT;
	if (qcow2_map_open(p->new_tar->fd, disk->new_at, disk->new_bytes, &p->new_map, &ignored) != 0 ||
	    qcow2_map_open(p->old_tar->fd, p->old_tar->files[DELTA_TAR_DISK].offset,
			   disk->old_bytes, &p->old_map, &ignored) != 0) {
		log_debug("no pairs of files: %s", ignored.msg);
		return 0;
	}
	p->old_tree = delta_tree_read(p->old_map);
	p->new_tree = delta_tree_read(p->new_map);
	log_debug("%zu old files, %zu new ones", p->old_tree->count, p->new_tree->count);
	p->places = xcalloc(p->new_tree->count, sizeof(*p->places));
	for (size_t i = 0; i < p->new_tree->count; i++)
		add_tree_file(p, i);
	return 0;
}

/* --- kernel and initrd --------------------------------------------------------------------------- */

static void add_plain_file(struct planner *p, struct side *s)
{
	struct delta_ranges new = { NULL, 0, 0 }, old = { NULL, 0, 0 };
	delta_ranges_add(&new, 0, s->new_bytes);
	if (s->old_bytes)
		delta_ranges_add(&old, s->old_at, s->old_bytes);
	add_unknown_parts(p, s, &new, &old);
	delta_ranges_destroy(&new);
	delta_ranges_destroy(&old);
}

static bool same_bytes(int a, uint64_t a_at, int b, uint64_t b_at, uint64_t bytes)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *x = xmalloc(READ_BYTES);
	_cleanup_free_ char *y = xmalloc(READ_BYTES);
	for (uint64_t done = 0; done < bytes;) {
		size_t n = bytes - done < READ_BYTES ? (size_t)(bytes - done) : READ_BYTES;
		if (delta_pread(a, x, n, a_at + done, &err) != 0 ||
		    delta_pread(b, y, n, b_at + done, &err) != 0 || memcmp(x, y, n) != 0)
			return false;
		done += n;
	}
	return true;
}

/* The file of the new disk that an entry is a copy of, by its name and size. */
static bool add_place_of(struct planner *p, const struct delta_cpio_entry *entry,
			 struct delta_ranges *old)
{
	const struct delta_tree_file *file =
		p->new_tree ? delta_tree_find(p->new_tree, entry->path, false) : NULL;
	if (!file || file->bytes != entry->bytes)
		return false;
	const struct place *place = &p->places[file - p->new_tree->files];
	if (place->is_new) {
		delta_ranges_add(old, place->at, file->ranges.bytes);
		return true;
	}
	file = delta_tree_find(p->old_tree, entry->path, true);
	for (size_t i = 0; file && i < file->ranges.count; i++)
		delta_ranges_add(old, p->sides[DELTA_TAR_DISK].old_at + file->ranges.items[i].offset,
				 file->ranges.items[i].bytes);
	return file != NULL;
}

struct initrds {
	struct side *side;
	uint64_t old_tar_at;	/* of the old one in the old data.tar */
	const struct delta_cpio *old;
};

/* An entry, from its header to the next one's. The best there is for it: the same entry of the
 * old initrd; the file that it is a copy of; what the old initrd has in its place. */
static void add_entry(struct planner *p, const struct initrds *in,
		      const struct delta_cpio_entry *entry, uint64_t end)
{
	struct delta_ranges new = { NULL, 0, 0 }, old = { NULL, 0, 0 };
	const struct delta_cpio_entry *before = delta_cpio_find(in->old, entry->path);
	bool same = before && before->bytes == entry->bytes &&
		    same_bytes(p->old_tar->fd, in->old_tar_at + before->data, p->new_tar->fd,
			       in->side->new_at + entry->data, entry->bytes);
	delta_ranges_add(&new, entry->start, end - entry->start);
	if (before && (same || !add_place_of(p, entry, &old)))
		delta_ranges_add(&old, in->side->old_at + before->start,
				 before->data - before->start + before->bytes);
	else if (!before)
		(void)!add_place_of(p, entry, &old);
	add_part(p, in->side, &new, &old, 0, new.bytes);
	delta_ranges_destroy(&new);
	delta_ranges_destroy(&old);
}

static void add_initrd(struct planner *p)
{
	struct side *s = &p->sides[DELTA_TAR_INITRD];
	struct delta_ranges all = { NULL, 0, 0 };
	uint64_t old_at = p->old_tar->files[DELTA_TAR_INITRD].offset;
	delta_ranges_add(&all, 0, s->new_bytes);
	bool changed = has_unknown(s, &all);
	delta_ranges_destroy(&all);
	if (!changed)
		return;
	_cleanup_(delta_cpio_freep) struct delta_cpio *new =
		delta_cpio_read(p->new_tar->fd, s->new_at, s->new_bytes);
	_cleanup_(delta_cpio_freep) struct delta_cpio *old =
		delta_cpio_read(p->old_tar->fd, old_at, s->old_bytes);
	const struct initrds in = { s, old_at, old };
	if (new->count == 0)
		add_plain_file(p, s);
	for (size_t i = 0; i < new->count && !delta_filler_is_full(&p->filler); i++)
		add_entry(p, &in, &new->entries[i],
			  i + 1 < new->count ? new->entries[i + 1].start : s->new_bytes);
}

/* --- the rest -------------------------------------------------------------------------------------- */

/* What no file has: inode tables, directories, tables of the qcow2 file, other file systems. Its
 * like is what the old disk has in the same place. */
static void add_rest_block(struct planner *p, uint64_t at, const uint64_t *guest_of,
			   struct delta_ranges *old)
{
	const struct side *disk = &p->sides[DELTA_TAR_DISK];
	uint64_t where = at;
	if (p->old_map && p->new_map) {
		uint64_t cluster = UINT64_C(1) << p->new_map->cluster_bits;
		uint64_t guest = guest_of[at / cluster];
		if (guest != QCOW2_UNMAPPED)
			where = qcow2_map_find(p->old_map, guest + at % cluster);
	}
	if (where != QCOW2_UNMAPPED && where < disk->old_bytes)
		delta_ranges_add(old, disk->old_at + where,
				 disk->old_bytes - where < DELTA_BLOCK ? disk->old_bytes - where
								       : DELTA_BLOCK);
}

static void add_rest(struct planner *p)
{
	struct side *disk = &p->sides[DELTA_TAR_DISK];
	size_t clusters = 0;
	_cleanup_free_ uint64_t *guest_of = p->new_map ? qcow2_map_invert(p->new_map, &clusters) : NULL;
	for (uint64_t at = 0; at < disk->new_bytes && !delta_filler_is_full(&p->filler);) {
		struct delta_ranges new = { NULL, 0, 0 }, old = { NULL, 0, 0 };
		while (at < disk->new_bytes && new.bytes < DELTA_WINDOW_NEW / 2 &&
		       !is_known(disk, at / DELTA_BLOCK)) {
			uint64_t left = disk->new_bytes - at;
			delta_ranges_add(&new, at, left < DELTA_BLOCK ? left : DELTA_BLOCK);
			add_rest_block(p, at, guest_of, &old);
			at += DELTA_BLOCK;
		}
		if (new.bytes == 0)
			at += DELTA_BLOCK;
		else
			add_piece(p, disk, &new, &old);
		delta_ranges_destroy(&new);
		delta_ranges_destroy(&old);
	}
}

int delta_plan_make(const struct delta_tar *old, const struct delta_tar *new,
		    const struct delta_basis *basis, struct delta_plan **out, struct err *err)
{
	_cleanup_(delta_plan_freep) struct delta_plan *plan = xcalloc(1, sizeof(*plan));
	_cleanup_(planner_destroy) struct planner p = { .old_tar = old, .new_tar = new, .basis = basis,
							.filler = { .plan = plan, .next = basis->bytes } };
	*out = NULL;
	if (delta_index_new(basis, &p.index, err) != 0 || scan(&p, err) != 0 ||
	    add_trees(&p, err) != 0)
		return -1;
	log_debug("files: %llu bytes", (unsigned long long)(plan->new_bytes + p.filler.window.new.bytes));
	delta_filler_finish(&p.filler);
	add_rest(&p);
	log_debug("and the rest: %llu bytes", (unsigned long long)(plan->new_bytes + p.filler.window.new.bytes));
	delta_filler_finish(&p.filler);
	/* From here on windows start from what earlier ones make. */
	add_plain_file(&p, &p.sides[DELTA_TAR_KERNEL]);
	delta_filler_finish(&p.filler);
	uint64_t before = plan->new_bytes;
	add_initrd(&p);
	delta_filler_finish(&p.filler);
	plan->copied_bytes = plan->new_bytes - before;
	log_debug("kernel and initrd as well: %llu bytes", (unsigned long long)plan->new_bytes);
	*out = steal(&plan);
	return 0;
}
