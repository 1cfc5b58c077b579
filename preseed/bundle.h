/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the tar that `imagerepo site bundle` writes: what a site trusts, whom it asks, and
 * its enrolment token. */
#ifndef WAYBILL_BUNDLE_H
#define WAYBILL_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/util.h"

struct bundle {
	char *tar;		/* all of it, as it was read */
	size_t tar_len;
	char *site;		/* NULL: a generic one */
	char *uri;		/* of the operator's apt repository */
	char *suite;
	char *components;
	char *repository_key;	/* OpenPGP keyring, binary or armoured */
	size_t repository_key_len;
	char *token;		/* of its enrolment, or NULL */
	int64_t not_before;	/* Unix seconds, or 0 */
};

/* Parse a tar. Returns 0 and *out (free with bundle_free), or -1 with *out == NULL.
 * Errors: ERR_INPUT (no bundle, a part is missing, it holds what no stick may carry: a
 * private key, a link, a path outside of etc/). Source: docs/spec/pkgmgr-conf.md,
 * docs/spec/enrolment.md */
int bundle_parse(const void *tar, size_t len, const char *origin, struct bundle **out,
		 struct err *err) _must_check_;

int bundle_read(const char *path, struct bundle **out, struct err *err) _must_check_;

void bundle_free(struct bundle *bundle);
DEFINE_FREEP(struct bundle, bundle_free)

#endif
