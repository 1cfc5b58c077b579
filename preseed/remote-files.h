/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of an archive that apt knows: where they are, what hash was signed for them, and
 * how they come here. */
#ifndef WAYBILL_REMOTE_FILES_H
#define WAYBILL_REMOTE_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/hash.h"
#include "preseed/apt-root.h"

/* Zeroed is empty. */
struct remote_files {
	struct remote_file {
		char *uri;
		char *name;		/* relative; of apt: PACKAGE_VERSION_ARCH.deb */
		uint64_t size_bytes;
		char sha256[SHA256_HEX_LEN + 1];
	} *items;
	size_t count;
};

void remote_files_destroy(struct remote_files *files);

/* All is copied. A file of the same name and hash is there once.
 * Errors: ERR_INPUT (no SHA-256, a name that leads elsewhere, one name for two hashes). */
int remote_files_add(struct remote_files *files, const char *uri, const char *name,
		     uint64_t size_bytes, const char *sha256, struct err *err) _must_check_;

/* Add what apt-get --print-uris has printed, lines "'URI' NAME SIZE SHA256:HEX"; other lines
 * are skipped. Errors: ERR_PROGRAM. */
int remote_files_parse(struct remote_files *files, const char *text, struct err *err) _must_check_;

/* Bring those that are missing, or have another hash, into `dir`, each under its name, through
 * apt, with its proxies; afterwards all have their hashes.
 * Errors: ERR_PROGRAM with apt's words, ERR_SIGNATURE, ERR_NO_SPACE. */
int remote_files_fetch(const struct remote_files *files, const struct apt_root *apt,
		       const char *dir, struct err *err) _must_check_;

/* Put them, which are in `dir`, below `tree` too; without copying if it can be done.
 * *total_bytes is increased. */
int remote_files_place(const struct remote_files *files, const char *dir, const char *tree,
		       uint64_t *total_bytes, struct err *err) _must_check_;

#endif
