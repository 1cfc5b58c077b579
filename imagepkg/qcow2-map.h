/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a guest's bytes lie in a qcow2 file of uncompressed clusters, and libext2fs on it. */
#ifndef WAYBILL_QCOW2_MAP_H
#define WAYBILL_QCOW2_MAP_H

#include <ext2fs/ext2fs.h>
#include <stdint.h>

#include "common/err.h"
#include "common/util.h"

#define QCOW2_UNMAPPED UINT64_MAX

struct qcow2_map {
	int fd;			/* borrowed */
	uint64_t fd_offset;	/* where the qcow2 file begins in it */
	uint64_t file_bytes, virtual_bytes;
	uint32_t cluster_bits;
	uint64_t **l2;		/* [l1_count]; NULL: nothing is allocated there */
	size_t l1_count;
};

/* Read the tables. Errors: ERR_INPUT (no qcow2, or one that we would not ship: compressed
 * clusters, a backing file ...), ERR_TOO_LARGE.  Source: QEMU docs/interop/qcow2.rst */
int qcow2_map_open(int fd, uint64_t fd_offset, uint64_t file_bytes, struct qcow2_map **out,
		   struct err *err) _must_check_;
void qcow2_map_free(struct qcow2_map *map);
DEFINE_FREEP(struct qcow2_map, qcow2_map_free)

/* Offset in the qcow2 file of the guest's byte `at`; QCOW2_UNMAPPED: it reads as zero. */
uint64_t qcow2_map_find(const struct qcow2_map *map, uint64_t at);

/* For each cluster of the file the guest offset that it holds, or QCOW2_UNMAPPED if it holds
 * none; free it. *count: the number of clusters. */
uint64_t *qcow2_map_invert(const struct qcow2_map *map, size_t *count);

/* Read the guest's bytes. Errors: those of delta_pread(). */
int qcow2_map_read(const struct qcow2_map *map, uint64_t at, void *buf, size_t len,
		   struct err *err) _must_check_;

/* Open the file system that begins at the guest's byte `at`, to be read only; close it with
 * ext2fs_free(). `map` must outlive it. */
errcode_t qcow2_map_open_fs(const struct qcow2_map *map, uint64_t at, ext2_filsys *fs);

#endif
