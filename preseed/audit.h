/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must not be in a preseed file, whoever wrote the template. */
#ifndef WAYBILL_AUDIT_H
#define WAYBILL_AUDIT_H

#include "common/err.h"

/* Plaintext passwords, unauthenticated packages, keys and preseeds fetched from elsewhere.
 * Errors: ERR_REFUSED with the line. */
int audit_preseed(const char *text, struct err *err) _must_check_;

#endif
