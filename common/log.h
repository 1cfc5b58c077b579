/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages for people on standard error; lifecycle events with a stable ID. */
#ifndef WAYBILL_LOG_H
#define WAYBILL_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* `program` goes in front of each line; borrowed, must stay. */
void log_init(const char *program, enum log_level level);
enum log_level log_get_level(void);

/* One line each; control characters in the result are escaped as \xNN, since
 * text from outside may be in it. Under systemd the line carries its priority. */
void log_error(const char *fmt, ...) _printf_(1, 2);
void log_warn(const char *fmt, ...) _printf_(1, 2);
void log_info(const char *fmt, ...) _printf_(1, 2);
void log_debug(const char *fmt, ...) _printf_(1, 2);

/* A lifecycle event: `id` is stable and listed in docs/spec/events.md, such as
 * "sync-start". Logged at info as "id: text". */
void log_event(const char *id, const char *fmt, ...) _printf_(2, 3);

/* From now on events are lines of JSON (docs/spec/events.md) in the place of text, and
 * log_progress() says something. */
void log_events_as_json(void);
/* So many of so many bytes are done; only where events are JSON. `id` as in log_event(). */
void log_progress(const char *id, uint64_t done_bytes, uint64_t total_bytes);

/* While a bar is drawn, a line first clears what is on the terminal's. */
void log_over_bar(bool is_drawn);

/* Print err->msg as an error and return its exit code; for main only. */
enum exit_code log_err(const struct err *err);

#endif
