/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What on a disk belongs to one machine or one moment, and so not into a package. */
#ifndef WAYBILL_HYGIENE_H
#define WAYBILL_HYGIENE_H

enum hygiene_action {
	HYGIENE_KEEP,
	HYGIENE_EMPTY,	/* a regular file: keep its name, owner and mode, not its content */
	HYGIENE_DROP,
};

/* What to do with `path`, relative to the disk's root, no slash in front. Directories
 * are never to be dropped or emptied unless their path itself is named here. */
enum hygiene_action hygiene_of(const char *path);

#endif
