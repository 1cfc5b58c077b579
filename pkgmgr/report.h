/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the operator hears of a sync. Format: docs/spec/gate.md, "The report" */
#ifndef PKGMGR_REPORT_H
#define PKGMGR_REPORT_H

#include "pkgmgr/sync.h"

/* Send the report of a sync that ended with `cause` (ERR_NONE: done). A report that
 * does not get through is only worth a warning: the next one says it all again. */
void report_send(const struct sync *sync, const struct err *cause);

/* Shorten the evidence in a report until it is no longer than max_bytes. */
struct json_object;
void report_fit(struct json_object *report, size_t max_bytes);

/* "done", "failed" or "refused". */
const char *report_result(const struct err *cause);

#endif
