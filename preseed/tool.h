/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running the programs that a stick is made with. */
#ifndef WAYBILL_TOOL_H
#define WAYBILL_TOOL_H

#include "common/err.h"
#include "common/strv.h"

/* Run it; its output is kept for the message if it fails. What it writes is dated by
 * SOURCE_DATE_EPOCH, and by nothing else.
 * Errors: ERR_NOT_FOUND, which names the packages to install; ERR_PROGRAM; ERR_TIMEOUT. */
int tool_run(const struct strv *args, struct err *err) _must_check_;

#endif
