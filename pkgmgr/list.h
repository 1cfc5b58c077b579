/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The site's list: whether to believe one that was fetched, and the last good one.
 * Source: docs/spec/site-list.md, "What the site refuses" */
#ifndef PKGMGR_LIST_H
#define PKGMGR_LIST_H

#include "common/signed-list.h"
#include "pkgmgr/pkgmgr.h"

#define PARAMS_DIR "var/lib/waybill/params"

/* Check the signature, parse, and check site and times against `now`.
 * Errors: ERR_SIGNATURE, ERR_EXPIRED, ERR_REFUSED; each is a refusal (exit 3). */
int list_verify(const struct pkgmgr *m, const char *text, size_t len, int64_t now,
		struct site_list **out, struct err *err) _must_check_;

/* Take over the staged list and its parameter files if all of it is to be believed
 * and no older than what we have; else leave everything as it is. */
int list_accept(const struct pkgmgr *m, int64_t now, struct site_list **out, struct err *err)
	_must_check_;

/* Epoch and serial of the last good list; 0 and 0 without one. */
int list_last_serial(const struct pkgmgr *m, uint64_t *epoch, uint64_t *serial, struct err *err)
	_must_check_;

/* The Date of the last good list, Unix seconds; 0 without one. */
int list_last_date(const struct pkgmgr *m, int64_t *date, struct err *err) _must_check_;

/* The last good list, its signature checked again; its times are not. Errors:
 * ERR_NOT_FOUND (none yet), ERR_SIGNATURE. */
int list_load(const struct pkgmgr *m, struct site_list **out, struct err *err) _must_check_;

#endif
