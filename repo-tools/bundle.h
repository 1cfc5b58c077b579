/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a site must be given once: addresses and public keys, as a tar to unpack at /.
 * There is nothing secret in it but, if it is to enrol, a token that is good for one
 * use. Format of the parts: docs/spec/pkgmgr-conf.md, docs/spec/enrolment.md */
#ifndef WAYBILL_BUNDLE_H
#define WAYBILL_BUNDLE_H

#include "common/err.h"
#include "common/strbuf.h"
#include "repo-tools/repo.h"

struct enrol_ticket;

/* site NULL: a generic one, for which enrolment finds the site. ticket NULL: the site's key
 * is known already. Errors: ERR_USAGE (Url or Server is not set), ERR_NOT_FOUND (no host
 * key). */
int bundle_write(const struct repo *repo, const char *site, const struct enrol_ticket *ticket,
		 struct strbuf *out, struct err *err) _must_check_;

#endif
