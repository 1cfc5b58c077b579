/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The image of a stick: one file that BIOS and UEFI boot from, as a disk and as a CD.
 * Layout: docs/spec/site-preseed.md */
#ifndef WAYBILL_STICK_H
#define WAYBILL_STICK_H

#include <stddef.h>

#include "common/err.h"
#include "common/workdir.h"

struct stick {
	const char *title;	/* of its menu: "kbh1", "a new site" */
	const char *linux_path;
	const char *initrd_path;
	const void *seed;	/* of seed_archive_write() */
	size_t seed_len;
	const char *packages;	/* of stick_packages_make(), or NULL */
	const char *kernel_args; /* for the installer; printable ASCII without quotes */
};

/* The 16 hex digits that tell this stick from another, from its seed. */
#define STICK_ID_LEN 16
void stick_id(const struct stick *stick, char id[STICK_ID_LEN + 1]);

/* Make the image at `path`, whole or not at all, mode 0600: it holds a token.
 * Errors: ERR_NOT_FOUND (grub-mkimage, xorriso, mtools or grub's files are not installed),
 * ERR_PROGRAM, ERR_NO_SPACE. */
int stick_write(const struct stick *stick, const struct workdir *work, const char *path,
		struct err *err) _must_check_;

/* Read boot/waybill.gz of an image; *data to be freed. Errors: ERR_INPUT (no stick). */
int stick_read_seed(const char *image, const struct workdir *work, char **data, size_t *len,
		    struct err *err) _must_check_;

#endif
