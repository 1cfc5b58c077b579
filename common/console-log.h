/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest has written to its serial port, as evidence. */
#ifndef WAYBILL_CONSOLE_LOG_H
#define WAYBILL_CONSOLE_LOG_H

#include <stddef.h>

/* "the guest's kernel panicked: <its words>" if the end of the log at `path` holds such
 * a line, else NULL. Free it. */
char *console_log_panic(const char *path);

/* The last `bytes` of it, from the start of a line, with what is not printable dropped; NULL
 * if there is none. Free it. */
char *console_log_tail(const char *path, size_t bytes);

#endif
