/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The regular files of the file systems on a disk: by path, and where their bytes lie in the
 * qcow2 file. */
#ifndef WAYBILL_DELTA_TREE_H
#define WAYBILL_DELTA_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "common/delta-file.h"
#include "imagepkg/qcow2-map.h"

struct delta_tree_file {
	char *path;		/* "usr/bin/x"; with "<n>:" in front on the n-th partition */
	char *key;		/* the same with '#' for each number, so for versions */
	uint64_t bytes;		/* the file's length; ranges are whole blocks */
	struct delta_ranges ranges;	/* in the qcow2 file, in the file's order, no holes */
};

struct delta_tree {
	struct delta_tree_file *files;	/* sorted by path */
	size_t count;
	struct delta_tree_file **by_key;	/* sorted by key, then path */
};

/* Read all that is ext2, ext3 or ext4 on the disk: as a whole, or in a partition of an MBR or
 * a GPT. A disk with nothing of that kind, or with something broken, has fewer files: this
 * decides how small a delta gets, not whether it is right. Free with delta_tree_free(). */
struct delta_tree *delta_tree_read(const struct qcow2_map *map);
void delta_tree_free(struct delta_tree *tree);
DEFINE_FREEP(struct delta_tree, delta_tree_free)

/* The file with this path; else, if `like`, the one whose path differs in numbers alone, of
 * several the last. NULL if there is none. */
const struct delta_tree_file *delta_tree_find(const struct delta_tree *tree, const char *path,
					      bool like);

/* `path` with '#' for each number; what makes a version ("1.2~rc3-4") becomes one. Free it. */
char *delta_tree_key(const char *path);

#endif
