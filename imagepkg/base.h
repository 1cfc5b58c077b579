/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The base: the immutable system disk that a package ships. */
#ifndef WAYBILL_BASE_H
#define WAYBILL_BASE_H

#include <stdbool.h>

#include "common/appliance-conf.h"
#include "common/err.h"

/* Make `base_path` from the disk `from` (raw or qcow2), check it, and record its
 * SHA-256 and virtual size in `conf`. */
int base_make(const char *from, bool from_qcow2, const char *base_path,
	      struct appliance_conf *conf, struct err *err) _must_check_;

#endif
