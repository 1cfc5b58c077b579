/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a site asks of the operator's machine, over ssh with its own key: its directory,
 * that its report is taken, the time, and to be let in. Protocol: docs/spec/gate.md */
#ifndef PKGMGR_GATE_H
#define PKGMGR_GATE_H

#include "common/strbuf.h"
#include "pkgmgr/pkgmgr.h"

/* Where the fetched files wait, owned by the unprivileged user, until verified. */
#define STAGING_DIR "var/lib/waybill/staging"

/* Mirror the site's directory into staging with rsync as Fetch-User. What is there
 * afterwards is not to be believed. Errors: ERR_NETWORK, ERR_REFUSED (a file above
 * the size that rsync was told to take). */
int gate_fetch(const struct pkgmgr *m, struct err *err) _must_check_;

/* Read a staged file of at most max_bytes without following links.
 * Errors: ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_SYSTEM. */
int gate_read_staged(const struct pkgmgr *m, const char *name, size_t max_bytes, char **text,
		     size_t *len, struct err *err) _must_check_;

/* Send the report, JSON text of at most 64 KiB. Errors: ERR_NETWORK. */
int gate_report(const struct pkgmgr *m, const char *json, struct err *err) _must_check_;

/* What time it is there, Unix seconds. Errors: ERR_NETWORK, ERR_INPUT. */
int gate_time(const struct pkgmgr *m, int64_t *now, struct err *err) _must_check_;

/* Send a request for enrolment; *answer is what the gate says to it, also when it refuses.
 * Errors: ERR_NETWORK, ERR_REFUSED (no answer, but a refusal in words). */
int gate_enroll(const struct pkgmgr *m, const char *request, struct strbuf *answer,
		struct err *err) _must_check_;

#endif
