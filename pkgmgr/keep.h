/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verified archives that are kept for neighbours, by SHA-256, within a bound of bytes and
 * of time. What lies there is believed by nobody: whoever takes it hashes it. */
#ifndef PKGMGR_KEEP_H
#define PKGMGR_KEEP_H

#include <stdint.h>

#include "common/fetch-policy.h"
#include "common/root.h"

/* `pkgmgr serve` offers what is below; the files are in by-sha256/. Anybody may read. */
#define KEEP_DIR "var/cache/waybill/shared"

/* Make the directories, if they are missing. */
int keep_make_dir(const struct root *root, struct err *err) _must_check_;

/* Move the verified file `path` there, or remove it if nothing is to be kept. */
int keep_add(const struct root *root, const struct fetch_policy *policy, const char *path,
	     const char *sha256, struct err *err) _must_check_;

/* Link one that is kept as `path`; success also when there is none. */
int keep_take(const struct root *root, const char *sha256, const char *path,
	      struct err *err) _must_check_;

/* Its bytes have turned out wrong: no neighbour is to get it. Success also when there is none. */
int keep_remove(const struct root *root, const char *sha256, struct err *err) _must_check_;

/* Remove what is too old, then the oldest until `more_bytes` more fit into the bound.
 * `now` in Unix seconds. */
int keep_prune(const struct root *root, const struct fetch_policy *policy, uint64_t more_bytes,
	       int64_t now, struct err *err) _must_check_;

#endif
