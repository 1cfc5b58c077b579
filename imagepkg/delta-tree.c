/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/delta-tree.h"

#include <ctype.h>
#include <endian.h>

#include "common/log.h"
#include "common/strbuf.h"

enum {
	MAX_DEPTH = 128,
	MAX_FILES = 250000,	/* some 300 bytes each, in two trees */
	MAX_PARTITIONS = 128,
	SECTOR = 512,
	MBR_TABLE = 446, MBR_ENTRY = 16, MBR_ENTRIES = 4, MBR_GPT = 0xee,
	GPT_ENTRIES_AT = 72, GPT_COUNT_AT = 80, GPT_SIZE_AT = 84, GPT_FIRST_AT = 32,
};

/* --- names ----------------------------------------------------------------------------- */

char *delta_tree_key(const char *path)
{
	_cleanup_strbuf_ struct strbuf key = STRBUF_INIT;
	strbuf_adds(&key, "");
	for (const char *p = path; *p;) {
		if (!isdigit((unsigned char)*p)) {
			strbuf_addc(&key, *p++);
			continue;
		}
		/* "6.1.0-48" and "6.1.0-48.1" are both one number here. */
		while (isdigit((unsigned char)*p) ||
		       (*p && strchr(".-+~_", *p) && isdigit((unsigned char)p[1])))
			p++;
		strbuf_addc(&key, '#');
	}
	return strbuf_steal(&key);
}

static int by_path(const void *a, const void *b)
{
	const struct delta_tree_file *x = a, *y = b;
	return strcmp(x->path, y->path);
}

static int by_key(const void *a, const void *b)
{
	const struct delta_tree_file *x = *(struct delta_tree_file *const *)a;
	const struct delta_tree_file *y = *(struct delta_tree_file *const *)b;
	int order = strcmp(x->key, y->key);
	return order ? order : version_compare(x->path, y->path);
}

static void sort(struct delta_tree *tree)
{
	if (tree->count == 0)
		return;
	qsort(tree->files, tree->count, sizeof(*tree->files), by_path);
	tree->by_key = xcalloc(tree->count, sizeof(struct delta_tree_file *));
	for (size_t i = 0; i < tree->count; i++)
		tree->by_key[i] = &tree->files[i];
	qsort(tree->by_key, tree->count, sizeof(struct delta_tree_file *), by_key);
}

static const struct delta_tree_file *find_like(const struct delta_tree *tree, const char *path)
{
	_cleanup_free_ char *key = delta_tree_key(path);
	size_t low = 0, high = tree->count;
	while (low < high) {	/* the first whose key is larger */
		size_t mid = low + (high - low) / 2;
		if (strcmp(tree->by_key[mid]->key, key) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && str_eq(tree->by_key[low - 1]->key, key) ? tree->by_key[low - 1] : NULL;
}

const struct delta_tree_file *delta_tree_find(const struct delta_tree *tree, const char *path,
					      bool like)
{
	size_t low = 0, high = tree->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(tree->files[mid].path, path);
		if (order == 0)
			return &tree->files[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return like ? find_like(tree, path) : NULL;
}

void delta_tree_free(struct delta_tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->files[i].path);
		free(tree->files[i].key);
		delta_ranges_destroy(&tree->files[i].ranges);
	}
	free(tree->files);
	free(tree->by_key);
	free(tree);
}

/* --- one file system --------------------------------------------------------------------- */

struct reader {
	const struct qcow2_map *map;
	uint64_t start;		/* of the file system on the disk */
	ext2_filsys fs;
	ext2fs_generic_bitmap seen;	/* inodes: a file with two names is read once */
	struct delta_tree *tree;
	struct delta_tree_file *file;	/* whose blocks are being read */
};

struct walk {
	struct reader *reader;
	const char *prefix;
	int depth;
};

static int on_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t index, blk64_t ref, int ref_offset,
		    void *arg)
{
	struct reader *r = arg;
	if (index < 0)
		return 0;
	uint64_t at = qcow2_map_find(r->map, r->start + *block * (uint64_t)fs->blocksize);
	if (at != QCOW2_UNMAPPED)
		delta_ranges_add(&r->file->ranges, at, fs->blocksize);
	return 0;
}

static void add_file(struct reader *r, const char *path, ext2_ino_t ino, struct ext2_inode *inode)
{
	struct delta_tree *tree = r->tree;
	if (tree->count == MAX_FILES || inode->i_flags & EXT4_INLINE_DATA_FL ||
	    !ext2fs_inode_has_valid_blocks2(r->fs, inode))
		return;
	if ((tree->count & (tree->count - 1)) == 0)
		tree->files = xrealloc(tree->files, (tree->count ? 2 * tree->count : 1) *
							    sizeof(*tree->files));
	struct delta_tree_file *file = &tree->files[tree->count++];
	*file = (struct delta_tree_file){ .path = xstrdup(path), .key = delta_tree_key(path),
					  .bytes = EXT2_I_SIZE(inode) };
	r->file = file;
	if (ext2fs_block_iterate3(r->fs, ino, BLOCK_FLAG_READ_ONLY, NULL, on_block, r) != 0)
		log_debug("%s: its blocks cannot be read", path);
}

static void walk_dir(struct reader *r, ext2_ino_t dir, const char *prefix, int depth);

static int on_entry(ext2_ino_t dir, int entry, struct ext2_dir_entry *dirent, int offset,
		    int blocksize, char *buf, void *arg)
{
	struct walk *walk = arg;
	struct reader *r = walk->reader;
	struct ext2_inode inode;
	if (entry != DIRENT_OTHER_FILE || dirent->inode > r->fs->super->s_inodes_count ||
	    ext2fs_test_generic_bmap(r->seen, dirent->inode))
		return 0;
	ext2fs_mark_generic_bmap(r->seen, dirent->inode);
	if (ext2fs_read_inode(r->fs, dirent->inode, &inode) != 0)
		return 0;
	_cleanup_free_ char *name = xstrndup(dirent->name, (size_t)ext2fs_dirent_name_len(dirent));
	_cleanup_free_ char *path = xasprintf("%s%s", walk->prefix, name);
	if (LINUX_S_ISREG(inode.i_mode))
		add_file(r, path, dirent->inode, &inode);
	if (LINUX_S_ISDIR(inode.i_mode) && walk->depth < MAX_DEPTH) {
		_cleanup_free_ char *below = xasprintf("%s/", path);
		walk_dir(r, dirent->inode, below, walk->depth + 1);
	}
	return 0;
}

static void walk_dir(struct reader *r, ext2_ino_t dir, const char *prefix, int depth)
{
	struct walk walk = { r, prefix, depth };
	if (ext2fs_dir_iterate2(r->fs, dir, 0, NULL, on_entry, &walk) != 0)
		log_debug("the directory /%s cannot be read", prefix);
}

static void read_fs(const struct qcow2_map *map, uint64_t start, const char *prefix,
		    struct delta_tree *tree)
{
	struct reader r = { .map = map, .start = start, .tree = tree };
	if (qcow2_map_open_fs(map, start, &r.fs) != 0)
		return;
	if (ext2fs_allocate_inode_bitmap(r.fs, "seen", &r.seen) == 0) {
		ext2fs_mark_generic_bmap(r.seen, EXT2_ROOT_INO);
		walk_dir(&r, EXT2_ROOT_INO, prefix, 0);
		ext2fs_free_inode_bitmap(r.seen);
	}
	ext2fs_free(r.fs);
}

/* --- partitions --------------------------------------------------------------------------- */

static uint64_t le(const uint8_t *at, size_t len)
{
	uint64_t value = 0;
	while (len--)
		value = value << 8 | at[len];
	return value;
}

static void read_partition(const struct qcow2_map *map, unsigned number, uint64_t sector,
			   struct delta_tree *tree)
{
	_cleanup_free_ char *prefix = xasprintf("%u:", number);
	if (sector > 0 && sector < map->virtual_bytes / SECTOR)
		read_fs(map, sector * SECTOR, prefix, tree);
}

/* Source: UEFI specification 2.10, 5.3 */
static void read_gpt(const struct qcow2_map *map, struct delta_tree *tree)
{
	_cleanup_err_ struct err err = ERR_INIT;
	uint8_t header[SECTOR], entry[SECTOR];
	if (qcow2_map_read(map, SECTOR, header, sizeof(header), &err) != 0 ||
	    memcmp(header, "EFI PART", 8) != 0)
		return;
	uint64_t table = le(header + GPT_ENTRIES_AT, 8), count = le(header + GPT_COUNT_AT, 4);
	uint64_t size = le(header + GPT_SIZE_AT, 4);
	if (size < 128 || size > SECTOR || table > map->virtual_bytes / SECTOR)
		return;
	for (unsigned i = 0; i < count && i < MAX_PARTITIONS; i++)
		if (qcow2_map_read(map, table * SECTOR + i * size, entry, (size_t)size, &err) == 0)
			read_partition(map, i + 1, le(entry + GPT_FIRST_AT, 8), tree);
}

static void read_partitions(const struct qcow2_map *map, struct delta_tree *tree)
{
	_cleanup_err_ struct err err = ERR_INIT;
	uint8_t mbr[SECTOR];
	if (qcow2_map_read(map, 0, mbr, sizeof(mbr), &err) != 0 || mbr[510] != 0x55 ||
	    mbr[511] != 0xaa)
		return;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const uint8_t *entry = mbr + MBR_TABLE + i * MBR_ENTRY;
		if (entry[4] == MBR_GPT) {
			read_gpt(map, tree);
			return;
		}
		read_partition(map, i + 1, le(entry + 8, 4), tree);
	}
}

struct delta_tree *delta_tree_read(const struct qcow2_map *map)
{
	struct delta_tree *tree = xcalloc(1, sizeof(*tree));
	read_fs(map, 0, "", tree);
	if (tree->count == 0)
		read_partitions(map, tree);
	sort(tree);
	return tree;
}
