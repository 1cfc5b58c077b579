/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The outer ar archive of a .deb. */
#ifndef WAYBILL_DEB_WRITE_H
#define WAYBILL_DEB_WRITE_H

#include "common/err.h"
#include "imagepkg/tar-spool.h"

/* Write the .deb of the two finished tars to `path`, atomically.
 * Errors: ERR_TOO_LARGE (a member has more than AR_MEMBER_MAX_BYTES), ERR_SYSTEM,
 * ERR_NO_SPACE.  Source: deb(5) */
int deb_write(const char *path, const struct tar_spool_result *control,
	      const struct tar_spool_result *data, int64_t mtime, struct err *err) _must_check_;

#endif
