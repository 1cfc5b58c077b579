/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file from one URI by libcurl, into a partial file that is resumed. */
#ifndef PKGMGR_DOWNLOAD_H
#define PKGMGR_DOWNLOAD_H

#include <stdint.h>

#include "common/err.h"
#include "common/util.h"

struct download;

/* One connection pool, progress bar and deadline for several files.
 * total_bytes: what all of them have, for the bar. */
int download_new(uint64_t total_bytes, struct download **out, struct err *err) _must_check_;
void download_free(struct download *d);
DEFINE_FREEP(struct download, download_free)

/* Fetch `uri` (http, https, file) to the end of the file `part`, made if missing,
 * until it has size_bytes; more is never written. The file is flushed to the disk.
 * Errors: ERR_NETWORK, ERR_TIMEOUT (too slow, or the deadline), ERR_TOO_LARGE,
 * ERR_NO_SPACE, ERR_SYSTEM, ERR_CANCELLED; the file stays for the next try. */
int download_to(struct download *d, const char *uri, const char *part, uint64_t size_bytes,
		struct err *err) _must_check_;

/* Body bytes that came over the wire so far. */
uint64_t download_received(const struct download *d);

#endif
