/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/ext4-clean.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ext4-remove.h"
#include "common/log.h"
#include "common/util.h"
#include "imagepkg/hygiene.h"

enum { MAX_DEPTH = 128, SUPER_MAGIC_AT = 1024 + 56 };

/* A file that has to go or to be emptied; noted first, since a directory must not
 * change while it is walked. */
struct victim {
	ext2_ino_t dir, ino;
	char *name;
	enum hygiene_action action;
};

struct clean {
	const char *path;
	ext2_filsys fs;
	int fd;			/* of the same file, to punch holes */
	struct victim *victims;	/* children before their directory */
	size_t count;
	errcode_t rc;		/* what stopped a walk */
};

static void clean_destroy(struct clean *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->victims[i].name);
	free(c->victims);
	if (c->fs)
		ext2fs_free(c->fs);
	closep(&c->fd);
}

static int fail(const struct clean *c, errcode_t rc, const char *what, struct err *err)
{
	return err_set(err, ERR_INPUT, "cannot %s the file system in %s: %s", what, c->path,
		       error_message(rc));
}

bool ext4_clean_is_ext(const char *path)
{
	uint8_t magic[2] = { 0 };
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && pread(fd, magic, 2, SUPER_MAGIC_AT) == 2 && magic[0] == 0x53 &&
	       magic[1] == 0xef;
}

/* --- finding what has to go ------------------------------------------------------ */

struct walk {
	struct clean *clean;
	ext2_ino_t dir;
	const char *prefix;	/* "" or "var/log/" */
	int depth;
};

static void note_victim(struct clean *c, ext2_ino_t dir, ext2_ino_t ino, const char *name,
			enum hygiene_action action)
{
	if ((c->count & (c->count + 1)) == 0 || !c->victims)
		c->victims = xrealloc(c->victims, (2 * c->count + 2) * sizeof(*c->victims));
	c->victims[c->count++] = (struct victim){ dir, ino, xstrdup(name), action };
}

static errcode_t walk_dir(struct clean *c, ext2_ino_t dir, const char *prefix, int depth);

static int on_entry(ext2_ino_t dir, int entry, struct ext2_dir_entry *dirent, int offset,
		    int blocksize, char *buf, void *arg)
{
	struct walk *walk = arg;
	struct clean *c = walk->clean;
	struct ext2_inode inode;
	if (entry != DIRENT_OTHER_FILE)
		return 0;
	_cleanup_free_ char *name = xstrndup(dirent->name, (size_t)ext2fs_dirent_name_len(dirent));
	_cleanup_free_ char *path = xasprintf("%s%s", walk->prefix, name);
	c->rc = ext2fs_read_inode(c->fs, dirent->inode, &inode);
	if (c->rc)
		return DIRENT_ABORT;
	enum hygiene_action action = hygiene_of(path);
	if (LINUX_S_ISDIR(inode.i_mode)) {
		_cleanup_free_ char *below = xasprintf("%s/", path);
		c->rc = walk_dir(c, dirent->inode, below, walk->depth + 1);
		if (c->rc)
			return DIRENT_ABORT;
	}
	if (action == HYGIENE_DROP ||
	    (action == HYGIENE_EMPTY && LINUX_S_ISREG(inode.i_mode)))
		note_victim(c, walk->dir, dirent->inode, name, action);
	return 0;
}

static errcode_t walk_dir(struct clean *c, ext2_ino_t dir, const char *prefix, int depth)
{
	struct walk walk = { c, dir, prefix, depth };
	if (depth > MAX_DEPTH)
		return EXT2_ET_DIR_CORRUPTED;
	errcode_t rc = ext2fs_dir_iterate2(c->fs, dir, 0, NULL, on_entry, &walk);
	return rc ? rc : c->rc;
}

/* --- removing --------------------------------------------------------------------- */

static errcode_t empty_file(struct clean *c, const struct victim *v)
{
	struct ext2_inode inode;
	errcode_t rc = ext2fs_read_inode(c->fs, v->ino, &inode);
	rc = rc ? rc : ext4_remove_content(c->fs, v->ino, &inode);
	return rc ? rc : ext2fs_write_inode(c->fs, v->ino, &inode);
}

static errcode_t remove_victims(struct clean *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct victim *v = &c->victims[i];
		errcode_t rc = v->action == HYGIENE_DROP
				       ? ext4_remove_entry(c->fs, v->dir, v->name, v->ino)
				       : empty_file(c, v);
		if (rc)
			return rc;
	}
	return 0;
}

/* --- zeroing ------------------------------------------------------------------------ */

static int punch(const struct clean *c, blk64_t first, blk64_t count)
{
	off_t block = (off_t)c->fs->blocksize;
	return fallocate(c->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 (off_t)first * block, (off_t)count * block);
}

static errcode_t zero_free_blocks(struct clean *c)
{
	blk64_t end = ext2fs_blocks_count(c->fs->super) - 1;
	blk64_t at = c->fs->super->s_first_data_block;
	while (at <= end) {
		blk64_t free_from = 0, used = end + 1;
		if (ext2fs_find_first_zero_block_bitmap2(c->fs->block_map, at, end, &free_from))
			return 0;	/* none left */
		if (ext2fs_find_first_set_block_bitmap2(c->fs->block_map, free_from, end, &used))
			used = end + 1;
		if (punch(c, free_from, used - free_from) != 0)
			return errno;
		at = used;
	}
	return 0;
}

static int on_journal_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t index, blk64_t ref,
			    int ref_offset, void *arg)
{
	struct clean *c = arg;
	if (index <= 0)	/* the journal's superblock, and blocks of the extent tree */
		return 0;
	c->rc = punch(c, *block, 1) != 0 ? errno : 0;
	return c->rc ? BLOCK_ABORT : 0;
}

/* A clean journal says of itself that it is empty; what is in it is never read. */
static errcode_t zero_journal(struct clean *c)
{
	ext2_ino_t ino = c->fs->super->s_journal_inum;
	if (!ext2fs_has_feature_journal(c->fs->super) || ino == 0)
		return 0;
	errcode_t rc = ext2fs_block_iterate3(c->fs, ino, BLOCK_FLAG_READ_ONLY, NULL,
					     on_journal_block, c);
	return rc ? rc : c->rc;
}

static bool is_zero(const char *data, size_t len)
{
	return data[0] == '\0' && memcmp(data, data + 1, len - 1) == 0;
}

/* Deleted files leave their names' inodes behind: times, owners, block numbers. */
static errcode_t zero_free_inodes(struct clean *c)
{
	int size = EXT2_INODE_SIZE(c->fs->super);
	_cleanup_free_ char *old = xmalloc((size_t)size);
	_cleanup_free_ char *zero = xcalloc(1, (size_t)size);
	for (ext2_ino_t ino = EXT2_FIRST_INODE(c->fs->super); ino <= c->fs->super->s_inodes_count;
	     ino++) {
		if (ext2fs_test_inode_bitmap2(c->fs->inode_map, ino) ||
		    ext2fs_bg_flags_test(c->fs, ext2fs_group_of_ino(c->fs, ino),
					 EXT2_BG_INODE_UNINIT))
			continue;
		errcode_t rc = ext2fs_read_inode_full(c->fs, ino, (struct ext2_inode *)(void *)old,
						      size);
		if (rc)
			return rc;
		if (is_zero(old, (size_t)size))
			continue;
		rc = ext2fs_write_inode_full(c->fs, ino, (struct ext2_inode *)(void *)zero, size);
		if (rc)
			return rc;
	}
	return 0;
}

/* --- all of it ----------------------------------------------------------------------- */

static int open_fs(struct clean *c, struct err *err)
{
	initialize_ext2_error_table();
	errcode_t rc = ext2fs_open(c->path, EXT2_FLAG_RW | EXT2_FLAG_64BITS |
				   EXT2_FLAG_IGNORE_CSUM_ERRORS, 0, 0, unix_io_manager, &c->fs);
	if (rc)
		return fail(c, rc, "open", err);
	if (ext2fs_has_feature_journal_needs_recovery(c->fs->super) ||
	    !(c->fs->super->s_state & EXT2_VALID_FS) || (c->fs->super->s_state & EXT2_ERROR_FS))
		return err_set(err, ERR_INPUT, "the file system in %s was not unmounted cleanly; "
			       "run e2fsck -f on it first", c->path);
	c->fs->now = c->fs->super->s_wtime;	/* no new time of ours in it */
	c->fd = open(c->path, O_RDWR | O_CLOEXEC);
	if (c->fd < 0)
		return err_sys(err, "cannot open %s", c->path);
	rc = ext2fs_read_bitmaps(c->fs);
	return rc ? fail(c, rc, "read", err) : 0;
}

int ext4_clean_run(const char *path, struct err *err)
{
	_cleanup_(clean_destroy) struct clean c = { .path = path, .fd = -1 };
	if (open_fs(&c, err) != 0)
		return -1;
	errcode_t rc = walk_dir(&c, EXT2_ROOT_INO, "", 0);
	rc = rc ? rc : remove_victims(&c);
	rc = rc ? rc : zero_free_inodes(&c);
	rc = rc ? rc : ext2fs_flush(c.fs);
	rc = rc ? rc : zero_free_blocks(&c);
	rc = rc ? rc : zero_journal(&c);
	if (rc)
		return fail(&c, rc, "clean", err);
	log_debug("%s: %zu files dropped or emptied", path, c.count);
	rc = ext2fs_close_free(&c.fs);
	return rc ? fail(&c, rc, "finish", err) : 0;
}
