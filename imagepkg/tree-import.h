/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the tar of a root file system to a clean ext4 disk, with the kernel and the
 * initrd set aside. */
#ifndef WAYBILL_TREE_IMPORT_H
#define WAYBILL_TREE_IMPORT_H

#include <stdbool.h>

#include "common/err.h"
#include "common/util.h"
#include "common/ext4-writer.h"

struct tree_import {
	const char *tar_path;
	const char *tree;		/* what becomes the disk: "" or "srv/tiny" */
	const char *const *leave_out;	/* regular files below tree, NULL-terminated, or NULL */
	const char *kernel_out;		/* where the newest /boot/vmlinuz-* goes ... */
	const char *initrd_out;		/* ... and /boot/initrd.img-*, or both NULL: they stay */
	char *kernel_release;		/* results, to be freed: "6.1.0-13-amd64", or NULL */
	char *initrd_release;
};

/* Read the tar once, and add to `w` what is neither dropped by hygiene nor set aside.
 * Errors: ERR_INPUT (broken tar), ERR_NO_SPACE (the disk is full), ERR_SYSTEM. */
int tree_import_run(struct tree_import *import, struct ext4_writer *w,
		    struct err *err) _must_check_;

#endif
