/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times of the day, local time: "02:30", and spans of them, "23:00-01:00". */
#ifndef WAYBILL_DAY_WINDOW_H
#define WAYBILL_DAY_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* Minutes of the day; from > to reaches past midnight. */
struct day_window {
	bool is_set;	/* false: never open */
	unsigned from, to;
};

/* "HH:MM", two digits each. `what` names the field. Errors: ERR_INPUT. */
int day_minute_parse(const char *text, unsigned *minute, const char *what, struct err *err)
	_must_check_;

/* When the day of `now` (Unix seconds), local time, plus `days` has this minute; one that a
 * change to summer time leaves out is mktime()'s choice. */
int64_t day_minute_time(int64_t now, int days, unsigned minute);

/* "HH:MM-HH:MM", or "none". Refuses a window of no length. */
int day_window_parse(const char *text, struct day_window *window, const char *what,
		     struct err *err) _must_check_;
/* As it is parsed; free it. */
char *day_window_format(const struct day_window *window);

/* Whether `now` (Unix seconds) is in it: its first minute is, its last is not. */
bool day_window_is_open(const struct day_window *window, int64_t now);

/* When it next opens after `now`, Unix seconds; 0 if it is not set. */
int64_t day_window_next(const struct day_window *window, int64_t now);

#endif
