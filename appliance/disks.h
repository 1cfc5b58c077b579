/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of an instance: each is made beside its place and renamed into it, so that
 * a half-made one is never used and the next attempt overwrites it. */
#ifndef WAYBILL_DISKS_H
#define WAYBILL_DISKS_H

#include <stdint.h>

#include "appliance/host.h"

#define OVERLAY_FILE "system.qcow2"
#define DATA_FILE "data.qcow2"
#define SWAP_FILE "swap.img"
#define SEED_FILE "seed.iso"
#define NVRAM_FILE "nvram.fd" /* the variables of UEFI */
#define CONSOLE_FILE "console.log"

/* A fresh overlay on the base `sha256`, with the modules of `kernel` in it if that is not
 * NULL; replaces the one that is there, or leaves it. Errors: those of inject_modules(). */
struct host_kernel;
int disk_make_overlay(const struct host *host, const char *name, const char *sha256,
		      const struct host_kernel *kernel, struct err *err) _must_check_;

/* A data disk with an empty ext4 labelled waybill-data, made without mounting anything. */
int disk_make_data(const struct host *host, const char *name, uint64_t bytes,
		   struct err *err) _must_check_;

/* The data disk becomes an overlay on before/data.qcow2, which is a link to it. */
int disk_make_data_overlay(const struct host *host, const char *name, struct err *err) _must_check_;

/* Write what the overlay has into before/data.qcow2; the overlay stays as it is. May be
 * repeated; the domain is off. */
int disk_commit_data(const struct host *host, const char *name, struct err *err) _must_check_;

/* A sparse swap disk labelled waybill-swap; replaces the one that is there. */
int disk_make_swap(const struct host *host, const char *name, uint64_t bytes,
		   struct err *err) _must_check_;

/* Copy `from` to the instance's `file`: libvirt gives a kernel to QEMU's user while the
 * domain runs, and dpkg's copy must stay root's. */
int disk_copy_file(const struct host *host, const char *name, const char *from,
		   const char *file, struct err *err) _must_check_;

#endif
