/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stick that holds all of Debian that its site needs, so that it installs without a
 * network: docs/spec/site-preseed.md, "Without a network". */
#ifndef WAYBILL_OFFLINE_H
#define WAYBILL_OFFLINE_H

#include "common/err.h"
#include "common/workdir.h"
#include "preseed/bundle.h"
#include "preseed/site-conf.h"

struct offline {
	const struct site_conf *conf;	/* after mirrors_complete() */
	const struct bundle *bundle;
	const char *cache;	/* what was fetched stays there */
	const char *extra;	/* of --extra, or NULL: may bring components of the installer */
	const char *initrd_path; /* of the installer */
	const char *tree;	/* for the stick; the operator's suite is in it already */
};

/* Find out what is needed, fetch what the cache lacks, and put it below `tree`; *total_bytes is
 * increased by it. *busybox_path (to be freed) is a file in `work`: it serves the stick at the
 * site. Where the mirror cannot be reached, what is in the cache serves.
 * Errors: ERR_NOT_FOUND (a suite that this machine's apt has not), ERR_PROGRAM (a package that
 * does not exist or cannot be installed, a file that the mirror has not), ERR_SIGNATURE. */
int offline_collect(const struct offline *offline, const struct workdir *work,
		    char **busybox_path, uint64_t *total_bytes, struct err *err) _must_check_;

#endif
