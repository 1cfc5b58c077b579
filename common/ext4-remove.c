/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/ext4-remove.h"

#include "common/util.h"

enum { MAX_DEPTH = 128 };

errcode_t ext4_remove_content(ext2_filsys fs, ext2_ino_t ino, struct ext2_inode *inode)
{
	errcode_t rc = 0;
	if (ext2fs_inode_has_valid_blocks2(fs, inode))
		rc = ext2fs_punch(fs, ino, inode, NULL, 0, ~0ULL);
	return rc ? rc : ext2fs_inode_size_set(fs, inode, 0);
}

static errcode_t drop_link_of_dir(ext2_filsys fs, ext2_ino_t dir)
{
	struct ext2_inode parent;
	errcode_t rc = ext2fs_read_inode(fs, dir, &parent);
	if (rc)
		return rc;
	if (parent.i_links_count > 2)	/* 1: too many to be counted (dir_nlink) */
		parent.i_links_count--;
	return ext2fs_write_inode(fs, dir, &parent);
}

errcode_t ext4_remove_entry(ext2_filsys fs, ext2_ino_t dir, const char *name, ext2_ino_t ino)
{
	struct ext2_inode inode;
	errcode_t rc = ext2fs_read_inode(fs, ino, &inode);
	if (rc)
		return rc;
	bool is_dir = LINUX_S_ISDIR(inode.i_mode);
	rc = ext2fs_unlink(fs, dir, name, ino, 0);
	if (rc)
		return rc;
	if (is_dir && (rc = drop_link_of_dir(fs, dir)))
		return rc;
	if (!is_dir && inode.i_links_count > 1) {
		inode.i_links_count--;
		return ext2fs_write_inode(fs, ino, &inode);
	}
	rc = ext2fs_free_ext_attr(fs, ino, NULL);
	rc = rc ? rc : ext2fs_read_inode(fs, ino, &inode);
	rc = rc ? rc : ext4_remove_content(fs, ino, &inode);
	if (rc)
		return rc;
	inode.i_links_count = 0;
	inode.i_dtime = fs->super->s_wtime;
	ext2fs_inode_alloc_stats2(fs, ino, -1, is_dir);
	return ext2fs_write_inode(fs, ino, &inode);
}

/* The entries of a directory, noted before any goes: it must not change under a walk. */
struct entries {
	struct { ext2_ino_t ino; char *name; } *items;
	size_t count;
};

static void entries_destroy(struct entries *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->items[i].name);
	free(e->items);
}

static int note_entry(ext2_ino_t dir, int entry, struct ext2_dir_entry *dirent, int offset,
		      int blocksize, char *buf, void *arg)
{
	struct entries *e = arg;
	if (entry != DIRENT_OTHER_FILE)
		return 0;
	e->items = xrealloc(e->items, (e->count + 1) * sizeof(*e->items));
	e->items[e->count].ino = dirent->inode;
	e->items[e->count++].name =
		xstrndup(dirent->name, (size_t)ext2fs_dirent_name_len(dirent));
	return 0;
}

static errcode_t remove_below(ext2_filsys fs, ext2_ino_t dir, const char *name,
			      ext2_ino_t ino, int depth)
{
	_cleanup_(entries_destroy) struct entries e = { 0 };
	errcode_t rc = ext2fs_check_directory(fs, ino);
	if (rc == EXT2_ET_NO_DIRECTORY)
		return ext4_remove_entry(fs, dir, name, ino);
	if (rc || depth > MAX_DEPTH)
		return rc ? rc : EXT2_ET_DIR_CORRUPTED;
	rc = ext2fs_dir_iterate2(fs, ino, 0, NULL, note_entry, &e);
	for (size_t i = 0; i < e.count && !rc; i++)
		rc = remove_below(fs, ino, e.items[i].name, e.items[i].ino, depth + 1);
	return rc ? rc : ext4_remove_entry(fs, dir, name, ino);
}

errcode_t ext4_remove_tree(ext2_filsys fs, ext2_ino_t dir, const char *name, ext2_ino_t ino)
{
	return remove_below(fs, dir, name, ino, 0);
}
