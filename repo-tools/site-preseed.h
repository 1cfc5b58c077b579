/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sites/<site>/preseed: what a generic stick fetches for a site, signed with the list key
 * when the operator gives it, so that the gate needs no key. Format:
 * docs/spec/enrolment.md, "preseed" */
#ifndef WAYBILL_SITE_PRESEED_H
#define WAYBILL_SITE_PRESEED_H

#include <stddef.h>

#include "common/err.h"
#include "repo-tools/repo.h"

#define SITE_PRESEED_MAX_BYTES (256 * 1024)

/* Sign the text for this site and keep it. Errors: ERR_INPUT (no plain text),
 * ERR_TOO_LARGE, and of signing. */
int site_preseed_set(const struct repo *repo, const char *site, const char *text, size_t len,
		     struct err *err) _must_check_;

/* The clearsigned text; free it. Errors: ERR_NOT_FOUND. */
int site_preseed_read(const struct repo *repo, const char *site, char **text, size_t *len,
		      struct err *err) _must_check_;

#endif
