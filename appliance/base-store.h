/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What packages brought and may still be needed after dpkg has replaced it, kept by hard
 * links: bases by their hash, and conf, kernel and initrd by version.
 *
 *   bases/<sha256>.qcow2                                root's, 0444
 *   versions/<appliance>/<version>/{appliance.conf,vmlinuz,initrd.img}
 */
#ifndef WAYBILL_BASE_STORE_H
#define WAYBILL_BASE_STORE_H

#include "appliance/host.h"
#include "appliance/instance.h"

/* Paths in the store; free the result. */
char *base_path(const struct root *root, const char *sha256);
char *version_path(const struct root *root, const char *appliance, const char *version,
		   const char *file);

/* "<root>/var/lib/waybill/appliances/<appliance>/<file>": dpkg's copy. */
char *package_path(const struct root *root, const char *appliance, const char *file);

/* Take what the package of `appliance` has on disk into the store. The base must have
 * the hash that its appliance.conf names. Idempotent; nothing there is success.
 * Errors: ERR_SIGNATURE (another hash), ERR_INPUT, ERR_SYSTEM (among them: a store on
 * another file system). */
int base_store_retain(struct host *host, const char *appliance, struct err *err) _must_check_;

/* Whether the version and base that `inst` wants are in the store, and are the bytes of
 * the package if dpkg has that version on disk. */
int base_store_has(struct host *host, const struct instance *inst, bool *has,
		   struct err *err) _must_check_;

/* Add the versions of `appliance` that are complete in the store to `out`, by name. */
int base_store_versions(struct host *host, const char *appliance, struct strv *out,
			struct err *err) _must_check_;

/* Remove bases and versions that no instance wants or runs, but for the newest `keep`
 * unused bases of each appliance. Adds the bytes of what went to *freed_bytes. */
int base_store_gc(struct host *host, unsigned keep, unsigned *count, uint64_t *freed_bytes,
		  struct err *err) _must_check_;

/* The same without `keep`, and the oldest first, until free_bytes are free on the store's
 * file system; nothing goes if they are already. */
int base_store_make_room(struct host *host, uint64_t free_bytes, unsigned *count,
			 uint64_t *freed_bytes, struct err *err) _must_check_;

/* Forget all versions of one appliance, and its bases that no other instance uses. */
int base_store_drop(struct host *host, const char *appliance, struct err *err) _must_check_;

#endif
