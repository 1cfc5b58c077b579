/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/day-window.h"

#include <time.h>

#include "common/util.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int day_minute_parse(const char *text, unsigned *minute, const char *what, struct err *err)
{
	if (strlen(text) == 5 && is_digit(text[0]) && is_digit(text[1]) && text[2] == ':' &&
	    is_digit(text[3]) && is_digit(text[4])) {
		unsigned hours = (text[0] - '0') * 10u + (text[1] - '0');
		unsigned minutes = (text[3] - '0') * 10u + (text[4] - '0');
		if (hours < 24 && minutes < 60) {
			*minute = hours * 60 + minutes;
			return 0;
		}
	}
	return err_set(err, ERR_INPUT, "%s: '%s' is no time of day such as 02:30", what, text);
}

int day_window_parse(const char *text, struct day_window *window, const char *what,
		     struct err *err)
{
	*window = (struct day_window){ 0 };
	if (str_eq(text, "none"))
		return 0;
	const char *dash = strchr(text, '-');
	if (!dash)
		return err_set(err, ERR_INPUT,
			       "%s: '%s' is neither 'none' nor a span such as 03:00-05:00", what,
			       text);
	_cleanup_free_ char *first = xstrndup(text, (size_t)(dash - text));
	unsigned from = 0, to = 0;
	if (day_minute_parse(first, &from, what, err) < 0 ||
	    day_minute_parse(dash + 1, &to, what, err) < 0)
		return -1;
	if (from == to)
		return err_set(err, ERR_INPUT, "%s: '%s' has no length", what, text);
	*window = (struct day_window){ true, from, to };
	return 0;
}

char *day_window_format(const struct day_window *w)
{
	if (!w->is_set)
		return xstrdup("none");
	return xasprintf("%02u:%02u-%02u:%02u", w->from / 60, w->from % 60, w->to / 60,
			 w->to % 60);
}

bool day_window_is_open(const struct day_window *w, int64_t now)
{
	time_t t = (time_t)now;
	struct tm tm;
	if (!w->is_set)
		return false;
	localtime_r(&t, &tm);
	unsigned minute = (unsigned)(tm.tm_hour * 60 + tm.tm_min);
	if (w->from < w->to)
		return minute >= w->from && minute < w->to;
	return minute >= w->from || minute < w->to;
}

int64_t day_minute_time(int64_t now, int days, unsigned minute)
{
	time_t t = (time_t)now;
	struct tm tm;
	localtime_r(&t, &tm);
	tm.tm_mday += days;
	tm.tm_hour = (int)minute / 60;
	tm.tm_min = (int)minute % 60;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

int64_t day_window_next(const struct day_window *w, int64_t now)
{
	if (!w->is_set)
		return 0;
	for (int days = 0;; days++) {
		int64_t at = day_minute_time(now, days, w->from);
		if (at > now)
			return at;
	}
}
