/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/ext4-writer.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/ext4-remove.h"
#include "common/hash.h"

enum {
	BLOCK_BYTES = 4096,
	BYTES_PER_INODE = 16384,
	INODE_BYTES = 256,
	LOG_GROUPS_PER_FLEX = 4,
	RESERVED_PERCENT = 1,
};

struct ext4_writer {
	ext2_filsys fs;
	char *path;		/* of the image, for messages */
	int64_t epoch;
	ext2_ino_t last;	/* added last, for attributes that follow */
	char *dir_path;		/* the directory looked up last, and its number: entries */
	ext2_ino_t dir_ino;	/* come sorted, so most lookups end here */
	ext2_file_t file;	/* being written, or NULL */
	char *file_path;
	struct ext4_attr file_attr;
	uint64_t file_bytes;
};

static int fs_fail(struct ext4_writer *w, errcode_t rc, const char *what, const char *path,
		   struct err *err)
{
	if (rc == EXT2_ET_BLOCK_ALLOC_FAIL || rc == EXT2_ET_INODE_ALLOC_FAIL || rc == ENOSPC)
		return err_set(err, ERR_NO_SPACE, "the disk is full: /%s does not fit; make Disk "
			       "larger, or install less", path);
	return err_set(err, rc == EXT2_ET_FILE_EXISTS || rc == EXT2_ET_FILE_NOT_FOUND ? ERR_INPUT
								: ERR_SYSTEM,
		       "cannot %s /%s in %s: %s", what, path, w->path, error_message(rc));
}

/* --- the empty file system --------------------------------------------------- */

static void set_features(struct ext2_super_block *p, uint64_t size_bytes)
{
	blk64_t blocks = size_bytes / BLOCK_BYTES;
	p->s_rev_level = EXT2_DYNAMIC_REV;
	p->s_log_block_size = 2;
	p->s_log_cluster_size = 2;
	p->s_inode_size = INODE_BYTES;
	p->s_inodes_count = (__u32)(size_bytes / BYTES_PER_INODE);
	p->s_log_groups_per_flex = LOG_GROUPS_PER_FLEX;
	p->s_feature_compat = EXT2_FEATURE_COMPAT_EXT_ATTR | EXT2_FEATURE_COMPAT_DIR_INDEX;
	p->s_feature_incompat = EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_EXTENTS |
				EXT4_FEATURE_INCOMPAT_64BIT | EXT4_FEATURE_INCOMPAT_FLEX_BG;
	p->s_feature_ro_compat =
		EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE |
		EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_DIR_NLINK |
		EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE | EXT4_FEATURE_RO_COMPAT_METADATA_CSUM;
	p->s_min_extra_isize = p->s_want_extra_isize =
		sizeof(struct ext2_inode_large) - EXT2_GOOD_OLD_INODE_SIZE;
	ext2fs_blocks_count_set(p, blocks);
	ext2fs_r_blocks_count_set(p, blocks * RESERVED_PERCENT / 100);
}

/* Bytes that look random and are not. */
static void set_identity(struct ext2_super_block *sb, const char *identity, int64_t epoch)
{
	char hex[SHA256_HEX_LEN + 1];
	uint8_t bytes[32];
	sha256_hex(identity, strlen(identity), hex);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x80);	/* RFC 9562: version 8, our own way */
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	memcpy(sb->s_uuid, bytes, 16);
	memcpy(sb->s_hash_seed, bytes + 16, 16);
	sb->s_def_hash_version = EXT2_HASH_HALF_MD4;
	sb->s_flags |= EXT2_FLAGS_SIGNED_HASH;
	sb->s_max_mnt_count = -1;
	sb->s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
	sb->s_mkfs_time = sb->s_lastcheck = (__u32)epoch;
	memcpy(sb->s_volume_name, "system", 6);
}

/* The file is new, so its inode tables are zero: without this mark the guest's kernel
 * would write zeros over them, into every overlay. */
static void mark_tables_zeroed(ext2_filsys fs)
{
	for (dgrp_t i = 0; i < fs->group_desc_count; i++) {
		ext2fs_bg_flags_set(fs, i, EXT2_BG_INODE_ZEROED);
		ext2fs_group_desc_csum_set(fs, i);
	}
}

/* The root, the reserved inodes and lost+found, which e2fsck wants as inode 11. */
static errcode_t make_skeleton(ext2_filsys fs)
{
	errcode_t rc = ext2fs_mkdir(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, NULL);
	if (rc)
		return rc;
	ext2fs_inode_alloc_stats2(fs, EXT2_BAD_INO, 1, 0);
	rc = ext2fs_update_bb_inode(fs, NULL);
	for (ext2_ino_t i = EXT2_ROOT_INO + 1; i < EXT2_FIRST_INODE(fs->super); i++)
		ext2fs_inode_alloc_stats2(fs, i, 1, 0);
	return rc ? rc : ext2fs_mkdir(fs, EXT2_ROOT_INO, 0, "lost+found");
}

static errcode_t make_journal(ext2_filsys fs)
{
	int blocks = ext2fs_default_journal_size(ext2fs_blocks_count(fs->super));
	if (blocks <= 0)	/* too small a disk */
		return 0;
	return ext2fs_add_journal_inode(fs, (blk_t)blocks,
					EXT2_MKJOURNAL_NO_MNT_CHECK | EXT2_MKJOURNAL_LAZYINIT);
}

static errcode_t make_fs(struct ext4_writer *w, uint64_t size_bytes, const char *identity)
{
	struct ext2_super_block param = { 0 };
	set_features(&param, size_bytes);
	errcode_t rc = ext2fs_initialize(w->path, EXT2_FLAG_64BITS | EXT2_FLAG_EXCLUSIVE, &param,
					 unix_io_manager, &w->fs);
	if (rc)
		return rc;
	w->fs->now = w->epoch;
	w->fs->super->s_checksum_type = EXT2_CRC32C_CHKSUM;	/* initialize() leaves it 0 */
	set_identity(w->fs->super, identity, w->epoch);
	ext2fs_init_csum_seed(w->fs);
	rc = ext2fs_allocate_tables(w->fs);
	if (rc)
		return rc;
	mark_tables_zeroed(w->fs);
	rc = make_skeleton(w->fs);
	return rc ? rc : make_journal(w->fs);
}

int ext4_writer_new(const char *path, uint64_t size_bytes, const char *identity, int64_t epoch,
		    struct ext4_writer **out, struct err *err)
{
	_cleanup_(ext4_writer_freep) struct ext4_writer *w = xcalloc(1, sizeof(*w));
	_cleanup_close_ int fd = -1;
	*out = NULL;
	w->path = xstrdup(path);
	w->epoch = epoch > 0 ? epoch : 1;	/* to libext2fs 0 is "ask the clock" */
	initialize_ext2_error_table();
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size_bytes) != 0)
		return err_sys(err, "cannot make %s", path);
	errcode_t rc = make_fs(w, size_bytes, identity);
	if (rc)
		return fs_fail(w, rc, "make the file system", "", err);
	*out = steal(&w);
	return 0;
}

/* Why it is no file system to write into; NULL: it is. */
static const char *why_unclean(struct ext2_super_block *sb)
{
	if (ext2fs_has_feature_journal_needs_recovery(sb))
		return "its journal needs recovery";
	if (sb->s_state & EXT2_ERROR_FS)
		return "it is marked as damaged";
	if (!(sb->s_state & EXT2_VALID_FS))
		return "it was not unmounted";
	return NULL;
}

static int open_fail(const char *name, errcode_t rc, struct err *err)
{
	if (rc == EXT2_ET_UNSUPP_FEATURE || rc == EXT2_ET_RO_UNSUPP_FEATURE)
		return err_set(err, ERR_REFUSED, "the file system in %s has features that this "
			       "host's e2fsprogs do not know", name);
	return err_set(err, ERR_INPUT, "cannot open the file system in %s: %s", name,
		       error_message(rc));
}

int ext4_writer_open(const char *name, const char *options, struct struct_io_manager *io,
		     struct ext4_writer **out, struct err *err)
{
	_cleanup_(ext4_writer_freep) struct ext4_writer *w = xcalloc(1, sizeof(*w));
	*out = NULL;
	w->path = xstrdup(name);
	w->epoch = time(NULL);
	initialize_ext2_error_table();
	errcode_t rc = ext2fs_open2(name, options, EXT2_FLAG_RW | EXT2_FLAG_64BITS, 0, 0, io,
				    &w->fs);
	if (rc)
		return open_fail(name, rc, err);
	const char *why = why_unclean(w->fs->super);
	if (why)
		return err_set(err, ERR_REFUSED, "the file system in %s cannot be written to: "
			       "%s; run e2fsck -f on the image and package it again", name, why);
	rc = ext2fs_read_bitmaps(w->fs);
	if (rc)
		return open_fail(name, rc, err);
	*out = steal(&w);
	return 0;
}

void ext4_writer_free(struct ext4_writer *w)
{
	if (!w)
		return;
	if (w->file)
		ext2fs_file_close(w->file);
	if (w->fs)
		ext2fs_free(w->fs);
	free(w->path);
	free(w->dir_path);
	free(w->file_path);
	free(w);
}

int ext4_writer_finish(struct ext4_writer *w, struct err *err)
{
	errcode_t rc = ext2fs_close_free(&w->fs);
	return rc ? fs_fail(w, rc, "finish", "", err) : 0;
}

/* --- finding ------------------------------------------------------------------ */

static int lookup(struct ext4_writer *w, const char *path, ext2_ino_t *ino, struct err *err)
{
	*ino = EXT2_ROOT_INO;
	if (!*path)
		return 0;
	errcode_t rc = ext2fs_namei(w->fs, EXT2_ROOT_INO, EXT2_ROOT_INO, path, ino);
	return rc ? fs_fail(w, rc, "find", path, err) : 0;
}

/* The directory that `path` lies in, and the last part of `path`. */
static int find_parent(struct ext4_writer *w, const char *path, ext2_ino_t *parent,
		       const char **name, struct err *err)
{
	const char *slash = strrchr(path, '/');
	*name = slash ? slash + 1 : path;
	if (!**name || str_eq(*name, ".") || str_eq(*name, "..") ||
	    strlen(*name) > EXT2_NAME_LEN)
		return err_set(err, ERR_INPUT, "'%s' cannot be a file's path", path);
	_cleanup_free_ char *dir = xstrndup(path, slash ? (size_t)(slash - path) : 0);
	if (!w->dir_path || !str_eq(w->dir_path, dir)) {
		if (lookup(w, dir, &w->dir_ino, err) != 0)
			return -1;
		free(w->dir_path);
		w->dir_path = steal(&dir);
	}
	*parent = w->dir_ino;
	return 0;
}

bool ext4_writer_has(struct ext4_writer *w, const char *path, bool *is_link)
{
	struct ext2_inode inode;
	ext2_ino_t ino = 0;
	*is_link = false;
	if (ext2fs_namei(w->fs, EXT2_ROOT_INO, EXT2_ROOT_INO, path, &ino) != 0 ||
	    ext2fs_read_inode(w->fs, ino, &inode) != 0)
		return false;
	*is_link = LINUX_S_ISLNK(inode.i_mode);
	return true;
}

int ext4_writer_remove(struct ext4_writer *w, const char *path, struct err *err)
{
	ext2_ino_t parent = 0, ino = 0;
	const char *name = "";
	if (find_parent(w, path, &parent, &name, err) != 0)
		return -1;
	errcode_t rc = ext2fs_lookup(w->fs, parent, name, (int)strlen(name), NULL, &ino);
	if (rc == EXT2_ET_FILE_NOT_FOUND)
		return 0;
	rc = rc ? rc : ext4_remove_tree(w->fs, parent, name, ino);
	free(steal(&w->dir_path));	/* it may have gone */
	return rc ? fs_fail(w, rc, "remove", path, err) : 0;
}

/* --- adding ------------------------------------------------------------------- */

/* All times of an entry are its mtime: the image keeps no trace of when it was made. */
static errcode_t set_attr(struct ext4_writer *w, ext2_ino_t ino, const struct ext4_attr *attr)
{
	struct ext2_inode_large inode = { 0 };
	__u32 when = (__u32)(attr->mtime < 0 ? 0 : attr->mtime > w->epoch ? w->epoch : attr->mtime);
	errcode_t rc = ext2fs_read_inode_full(w->fs, ino, EXT2_INODE(&inode), sizeof(inode));
	if (rc)
		return rc;
	inode.i_mode = (__u16)((inode.i_mode & LINUX_S_IFMT) | (attr->mode & 07777));
	inode.i_uid = (__u16)attr->uid;
	inode.i_gid = (__u16)attr->gid;
	inode.osd2.linux2.l_i_uid_high = (__u16)(attr->uid >> 16);
	inode.osd2.linux2.l_i_gid_high = (__u16)(attr->gid >> 16);
	inode.i_atime = inode.i_ctime = inode.i_mtime = inode.i_crtime = when;
	inode.i_atime_extra = inode.i_ctime_extra = inode.i_mtime_extra = 0;
	inode.i_crtime_extra = 0;
	inode.i_extra_isize = sizeof(inode) - EXT2_GOOD_OLD_INODE_SIZE;
	w->last = ino;
	return ext2fs_write_inode_full(w->fs, ino, EXT2_INODE(&inode), sizeof(inode));
}

static errcode_t link_in(struct ext4_writer *w, ext2_ino_t parent, const char *name,
			 ext2_ino_t ino, int type)
{
	ext2_ino_t there = 0;
	if (ext2fs_lookup(w->fs, parent, name, (int)strlen(name), NULL, &there) == 0)
		return EXT2_ET_FILE_EXISTS;
	errcode_t rc = ext2fs_link(w->fs, parent, name, ino, type);
	if (rc != EXT2_ET_DIR_NO_SPACE)
		return rc;
	rc = ext2fs_expand_dir(w->fs, parent);
	return rc ? rc : ext2fs_link(w->fs, parent, name, ino, type);
}

static int dirent_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return EXT2_FT_REG_FILE;
	case S_IFLNK: return EXT2_FT_SYMLINK;
	case S_IFCHR: return EXT2_FT_CHRDEV;
	case S_IFBLK: return EXT2_FT_BLKDEV;
	case S_IFIFO: return EXT2_FT_FIFO;
	default: return EXT2_FT_UNKNOWN;
	}
}

/* A new inode of `mode` with its name. */
static errcode_t new_inode(struct ext4_writer *w, ext2_ino_t parent, const char *name,
			   mode_t mode, const __u32 *blocks, ext2_ino_t *ino)
{
	struct ext2_inode_large inode = { .i_mode = (__u16)mode, .i_links_count = 1 };
	errcode_t rc = ext2fs_new_inode(w->fs, parent, (int)mode, NULL, ino);
	if (rc)
		return rc;
	rc = link_in(w, parent, name, *ino, dirent_type(mode));
	if (rc)
		return rc;
	ext2fs_inode_alloc_stats2(w->fs, *ino, 1, 0);
	inode.i_extra_isize = sizeof(inode) - EXT2_GOOD_OLD_INODE_SIZE;
	if (blocks)
		memcpy(inode.i_block, blocks, 2 * sizeof(*blocks));
	return ext2fs_write_inode_full(w->fs, *ino, EXT2_INODE(&inode), sizeof(inode));
}

int ext4_writer_add_dir(struct ext4_writer *w, const char *path, const struct ext4_attr *attr,
			struct err *err)
{
	ext2_ino_t parent = 0, ino = EXT2_ROOT_INO;
	const char *name = "";
	errcode_t rc = 0;
	if (*path) {
		if (find_parent(w, path, &parent, &name, err) != 0)
			return -1;
		if (ext2fs_lookup(w->fs, parent, name, (int)strlen(name), NULL, &ino) != 0) {
			rc = ext2fs_mkdir(w->fs, parent, 0, name);
			if (rc == EXT2_ET_DIR_NO_SPACE && !(rc = ext2fs_expand_dir(w->fs, parent)))
				rc = ext2fs_mkdir(w->fs, parent, 0, name);
			if (!rc)
				rc = ext2fs_lookup(w->fs, parent, name, (int)strlen(name), NULL, &ino);
		}
	}
	rc = rc ? rc : set_attr(w, ino, attr);
	return rc ? fs_fail(w, rc, "make the directory", path, err) : 0;
}

int ext4_writer_add_symlink(struct ext4_writer *w, const char *path, const char *target,
			    const struct ext4_attr *attr, struct err *err)
{
	struct ext4_attr with_mode = *attr;
	ext2_ino_t parent = 0, ino = 0;
	const char *name = "";
	if (find_parent(w, path, &parent, &name, err) != 0)
		return -1;
	errcode_t rc = ext2fs_symlink(w->fs, parent, 0, name, target);
	if (rc == EXT2_ET_DIR_NO_SPACE && !(rc = ext2fs_expand_dir(w->fs, parent)))
		rc = ext2fs_symlink(w->fs, parent, 0, name, target);
	if (!rc)
		rc = ext2fs_lookup(w->fs, parent, name, (int)strlen(name), NULL, &ino);
	with_mode.mode = 0777;
	rc = rc ? rc : set_attr(w, ino, &with_mode);
	return rc ? fs_fail(w, rc, "make the symbolic link", path, err) : 0;
}

/* How Linux stores a device number in an inode: the old form if it fits, else the new. */
static void encode_device(unsigned major_no, unsigned minor_no, __u32 blocks[2])
{
	blocks[0] = blocks[1] = 0;
	if (major_no < 256 && minor_no < 256)
		blocks[0] = major_no << 8 | minor_no;
	else
		blocks[1] = (minor_no & 0xff) | major_no << 8 | (minor_no & ~0xffU) << 12;
}

int ext4_writer_add_node(struct ext4_writer *w, const char *path, mode_t type, unsigned major_no,
			 unsigned minor_no, const struct ext4_attr *attr, struct err *err)
{
	ext2_ino_t parent = 0, ino = 0;
	const char *name = "";
	__u32 blocks[2];
	if (find_parent(w, path, &parent, &name, err) != 0)
		return -1;
	encode_device(major_no, minor_no, blocks);
	errcode_t rc = new_inode(w, parent, name, type, S_ISFIFO(type) ? NULL : blocks, &ino);
	rc = rc ? rc : set_attr(w, ino, attr);
	return rc ? fs_fail(w, rc, "make the special file", path, err) : 0;
}

int ext4_writer_add_link(struct ext4_writer *w, const char *path, const char *target,
			 struct err *err)
{
	struct ext2_inode inode;
	ext2_ino_t parent = 0, ino = 0;
	const char *name = "";
	if (lookup(w, target, &ino, err) != 0 || find_parent(w, path, &parent, &name, err) != 0)
		return -1;
	errcode_t rc = ext2fs_read_inode(w->fs, ino, &inode);
	if (!rc && LINUX_S_ISDIR(inode.i_mode))
		return err_set(err, ERR_INPUT, "/%s cannot be a hard link to a directory", path);
	rc = rc ? rc : link_in(w, parent, name, ino, dirent_type(inode.i_mode));
	inode.i_links_count++;
	rc = rc ? rc : ext2fs_write_inode(w->fs, ino, &inode);
	w->last = ino;
	return rc ? fs_fail(w, rc, "make the hard link", path, err) : 0;
}

/* --- regular files ------------------------------------------------------------- */

int ext4_writer_begin_file(struct ext4_writer *w, const char *path,
			   const struct ext4_attr *attr, struct err *err)
{
	ext2_ino_t parent = 0, ino = 0;
	ext2_extent_handle_t extents = NULL;
	const char *name = "";
	if (find_parent(w, path, &parent, &name, err) != 0)
		return -1;
	errcode_t rc = new_inode(w, parent, name, S_IFREG, NULL, &ino);
	struct ext2_inode inode;
	rc = rc ? rc : ext2fs_read_inode(w->fs, ino, &inode);
	/* Opening makes an empty extent tree where there is none. */
	if (!rc && ext2fs_has_feature_extents(w->fs->super))
		rc = ext2fs_extent_open2(w->fs, ino, &inode, &extents);
	if (extents)
		ext2fs_extent_free(extents);
	rc = rc ? rc : ext2fs_write_inode(w->fs, ino, &inode);
	rc = rc ? rc : ext2fs_file_open(w->fs, ino, EXT2_FILE_WRITE, &w->file);
	w->last = ino;
	w->file_attr = *attr;
	free(w->file_path);
	w->file_path = xstrdup(path);
	w->file_bytes = 0;
	return rc ? fs_fail(w, rc, "make the file", path, err) : 0;
}

static bool is_zero(const char *data, size_t len)
{
	return len > 0 && data[0] == '\0' && memcmp(data, data + 1, len - 1) == 0;
}

/* Length of the run at `data` that is written, or else skipped, as one. */
static size_t run_length(const char *data, size_t len, bool *hole)
{
	size_t n = len < BLOCK_BYTES ? len : BLOCK_BYTES;
	*hole = is_zero(data, n);
	while (n < len) {
		size_t more = len - n < BLOCK_BYTES ? len - n : BLOCK_BYTES;
		if (is_zero(data + n, more) != *hole)
			break;
		n += more;
	}
	return n;
}

int ext4_writer_file_data(struct ext4_writer *w, const void *data, size_t len, struct err *err)
{
	for (size_t done = 0; done < len;) {
		const char *at = (const char *)data + done;
		bool hole = false;
		size_t n = run_length(at, len - done, &hole);
		unsigned wrote = (unsigned)n;
		errcode_t rc = 0;
		if (hole)
			rc = ext2fs_file_llseek(w->file, w->file_bytes + n, EXT2_SEEK_SET, NULL);
		else
			rc = ext2fs_file_write(w->file, at, (unsigned)n, &wrote);
		if (rc || wrote != n)
			return fs_fail(w, rc ? rc : ENOSPC, "write", w->file_path, err);
		done += n;
		w->file_bytes += n;
	}
	return 0;
}

int ext4_writer_end_file(struct ext4_writer *w, struct err *err)
{
	errcode_t rc = ext2fs_file_set_size2(w->file, (ext2_off64_t)w->file_bytes);
	errcode_t closed = ext2fs_file_close(w->file);
	w->file = NULL;
	rc = rc ? rc : closed;
	rc = rc ? rc : set_attr(w, w->last, &w->file_attr);
	return rc ? fs_fail(w, rc, "finish", w->file_path, err) : 0;
}

int ext4_writer_add_xattr(struct ext4_writer *w, const char *name, const void *value,
			  size_t len, struct err *err)
{
	struct ext2_xattr_handle *h = NULL;
	errcode_t rc = ext2fs_xattrs_open(w->fs, w->last, &h);
	rc = rc ? rc : ext2fs_xattrs_read(h);
	rc = rc ? rc : ext2fs_xattr_set(h, name, value, len);
	if (h) {
		errcode_t closed = ext2fs_xattrs_close(&h);
		rc = rc ? rc : closed;
	}
	return rc ? fs_fail(w, rc, "set an attribute of", name, err) : 0;
}
