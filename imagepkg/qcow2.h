/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What we need to know of a qcow2 file before any program opens it, and the
 * conversions, which are qemu-img's. */
#ifndef WAYBILL_QCOW2_H
#define WAYBILL_QCOW2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define QCOW2_HEADER_BYTES 104

struct qcow2_info {
	uint64_t virtual_bytes;
	uint32_t version;
	uint32_t cluster_bits;
};

/* True if `data` begins like a qcow2 file. */
bool qcow2_is_magic(const void *data, size_t len);

/* Parse the header and refuse what an immutable base must not be: one with a backing
 * file, an external data file, encryption, internal snapshots or the dirty mark. These
 * make QEMU open other files, so this comes before it. name is for messages.
 * Errors: ERR_INPUT.  Source: QEMU docs/interop/qcow2.rst */
int qcow2_parse_header(const void *data, size_t len, const char *name,
		       struct qcow2_info *info, struct err *err) _must_check_;
int qcow2_read_header(const char *path, struct qcow2_info *info, struct err *err) _must_check_;

/* Make `to`, a qcow2 of uncompressed clusters without zeros, from the raw or qcow2
 * disk `from`; the same disk gives the same bytes. */
int qcow2_convert(const char *from, bool from_qcow2, const char *to, struct err *err) _must_check_;

/* Make `to`, a sparse raw copy of the disk `from`. */
int qcow2_to_raw(const char *from, bool from_qcow2, const char *to, struct err *err) _must_check_;

/* qemu-img check must find nothing, not even a leaked cluster. */
int qcow2_check(const char *path, struct err *err) _must_check_;

#endif
