/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking entries out of an ext2, ext3 or ext4 file system through libext2fs. */
#ifndef WAYBILL_EXT4_REMOVE_H
#define WAYBILL_EXT4_REMOVE_H

#include <ext2fs/ext2fs.h>

/* Drop the entry `name` of `dir`, and what it names if that was its last name. A directory
 * must be empty. A freed inode's time of deletion is the file system's last write. */
errcode_t ext4_remove_entry(ext2_filsys fs, ext2_ino_t dir, const char *name, ext2_ino_t ino);

/* The same, with all that is below a directory. */
errcode_t ext4_remove_tree(ext2_filsys fs, ext2_ino_t dir, const char *name, ext2_ino_t ino);

/* Free the blocks of `ino` and set its size to 0, in *inode; the caller writes that. */
errcode_t ext4_remove_content(ext2_filsys fs, ext2_ino_t ino, struct ext2_inode *inode);

#endif
