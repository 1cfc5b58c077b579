/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disks that a VM gets beside its base, as files: an overlay, a data disk, a swap disk.
 * Each is new at `path`; making it durable is the caller's. Source: docs/spec/appliance-conf.md */
#ifndef WAYBILL_VM_DISK_H
#define WAYBILL_VM_DISK_H

#include <stdint.h>

#include "common/err.h"

/* A qcow2 overlay on the qcow2 `base`, which is named relative to the overlay's directory,
 * or absolute. */
int vm_disk_overlay(const char *path, const char *base, struct err *err) _must_check_;

/* Write what a qcow2 overlay holds into its base; the overlay is to be deleted then. */
int vm_disk_commit(const char *path, struct err *err) _must_check_;

/* A qcow2 with an empty ext4 labelled waybill-data, made without mounting anything. */
int vm_disk_data(const char *path, uint64_t bytes, struct err *err) _must_check_;

/* A sparse raw swap disk labelled waybill-swap. */
int vm_disk_swap(const char *path, uint64_t bytes, struct err *err) _must_check_;

#endif
