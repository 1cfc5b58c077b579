/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signed bytes into files, whatever they are: packages, deltas. From the best server that
 * has them, several at a time, resumed after any cut, believed only by their hash. */
#ifndef PKGMGR_FETCH_FILES_H
#define PKGMGR_FETCH_FILES_H

#include "common/fetch-policy.h"
#include "common/root.h"
#include "common/strv.h"

/* <sha256>.deb and the like are complete; the rest is docs/spec/partial-state.md. Only root
 * may enter. */
#define ARCHIVES_DIR "var/cache/waybill/archives"

/* What a signed index says of a file, and what became of it. */
struct signed_file {
	const char *name;	/* for people: "askom 1.4.0"; borrowed, as the next three */
	const char *sha256;	/* 64 hexadecimal digits */
	const struct strv *uris; /* http, https or file; any order */
	const char *suffix;	/* of the complete file: ".deb" */
	uint64_t size_bytes;
	char *path;		/* in: NULL; out: the verified file, to free, or NULL */
	struct err err;		/* why there is none; clear it */
};

/* Fetch all of them into ARCHIVES_DIR; one that fails does not keep the others from being
 * fetched, except where it is the disk or a signal. *received_bytes is added to.
 * Returns 0 if all have a path, or -1 with the first one's error. Errors: ERR_NETWORK,
 * ERR_SIGNATURE (wrong bytes from every server), ERR_TIMEOUT (too slow, or the deadline),
 * ERR_NO_SPACE, ERR_SYSTEM, ERR_CANCELLED. What came stays for the next time. */
int fetch_files(const struct root *root, const struct fetch_policy *policy,
		struct signed_file *files, size_t count, uint64_t *received_bytes,
		struct err *err) _must_check_;

/* Take a complete file that is in ARCHIVES_DIR or among those kept for neighbours, if its
 * bytes are the signed ones; what is still good of a damaged one fetch_files() goes on with.
 * Returns 0, and file->path if there is one. */
int fetch_file_there(const struct root *root, struct signed_file *file, struct err *err) _must_check_;

/* 1: the file has the signed bytes, 0: it has not, or the disk does not give them. Read through a
 * descriptor of our own; links are not followed. */
int fetch_file_is_good(const char *path, const char *sha256, uint64_t size_bytes,
		       struct err *err) _must_check_;

/* Bytes of it that are on the disk already. */
uint64_t fetch_file_part_bytes(const struct root *root, const char *sha256);

#endif
