/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A qcow2 file as a device of libext2fs, through a qemu-nbd of our own: nothing is mounted,
 * and the host's kernel never parses the guest's file system. */
#ifndef WAYBILL_NBD_IO_H
#define WAYBILL_NBD_IO_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/util.h"

struct struct_io_manager;

/* For ext2fs_open2(): the name is the qcow2's path, the option "offset=BYTES" says where in
 * the disk the file system starts. qemu-nbd runs from open to close. */
extern struct struct_io_manager *const nbd_io_manager;

/* The disk itself, to find what is on it. */
struct nbd_disk;
/* Errors: ERR_PROGRAM (qemu-nbd cannot open it, or is missing). */
int nbd_disk_open(const char *path, struct nbd_disk **out, struct err *err) _must_check_;
void nbd_disk_free(struct nbd_disk *disk);
DEFINE_FREEP(struct nbd_disk, nbd_disk_free)
uint64_t nbd_disk_bytes(const struct nbd_disk *disk);
/* Read all of it, or fail. Errors: ERR_SYSTEM. */
int nbd_disk_read(struct nbd_disk *disk, uint64_t offset, void *data, size_t len,
		  struct err *err) _must_check_;

#endif
