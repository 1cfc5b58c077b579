/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "common/log.h"
#include "config.h"
#include "pkgmgr/gate.h"
#include "pkgmgr/list.h"

#define FLOOR_KEY "clock-floor"

/* Less is no reason why a signature would not hold, and NTP's business. */
enum { TOLERANCE_S = 300 };

static int read_floor(const struct pkgmgr *m, int64_t *floor, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	uint64_t number = 0;
	if (state_get_meta(m->state, FLOOR_KEY, &text, err) < 0 ||
	    (text && number_parse(text, 0, INT64_MAX, &number, FLOOR_KEY, err) < 0))
		return -1;
	*floor = (int64_t)number;
	return 0;
}

int clock_keep_floor(const struct pkgmgr *m, int64_t not_before, struct err *err)
{
	int64_t known;
	if (read_floor(m, &known, err) < 0)
		return -1;
	if (not_before <= known)
		return 0;
	_cleanup_free_ char *text = xasprintf("%" PRId64, not_before);
	return state_set_meta(m->state, FLOOR_KEY, text, err);
}

int clock_floor(const struct pkgmgr *m, int64_t *floor, struct err *err)
{
	int64_t list_date;
	if (read_floor(m, floor, err) < 0 || list_last_date(m, &list_date, err) < 0)
		return -1;
	if (list_date > *floor)
		*floor = list_date;
	if (BUILD_TIME > *floor)
		*floor = BUILD_TIME;
	return 0;
}

int clock_now(const struct pkgmgr *m, int64_t *now, struct err *err)
{
	int64_t floor;
	if (clock_floor(m, &floor, err) < 0)
		return -1;
	*now = time(NULL);
	if (*now < floor)
		*now = floor;
	return 0;
}

int clock_is_impossible(const struct pkgmgr *m, bool *impossible, struct err *err)
{
	int64_t floor;
	if (clock_floor(m, &floor, err) < 0)
		return -1;
	*impossible = time(NULL) < floor;
	return 0;
}

char *clock_span(int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 365 * 86400, "year" }, { 86400, "day" }, { 3600, "hour" },
		      { 60, "minute" }, { 1, "second" } };
	size_t i = 0;
	while (i + 1 < ARRAY_SIZE(units) && seconds < 2 * units[i].seconds)
		i++;
	int64_t count = seconds / units[i].seconds;
	return xasprintf("%lld %s%s", (long long)count, units[i].name, count == 1 ? "" : "s");
}

static void set_clock(int64_t to, const char *wrong, struct strv *notes, bool *stepped)
{
	const struct timespec ts = { .tv_sec = (time_t)to };
	if (clock_settime(CLOCK_REALTIME, &ts) == 0) {
		*stepped = true;
		log_event("clock-set", "%s", wrong);
		strv_addf(notes, "%s; it was set", wrong);
	} else {
		strv_addf(notes, "%s, and cannot be set: %s", wrong, strerror(errno));
	}
}

int clock_correct(const struct pkgmgr *m, struct strv *notes, bool *stepped, struct err *err)
{
	int64_t server, floor;
	*stepped = false;
	if (clock_floor(m, &floor, err) < 0 || gate_time(m, &server, err) < 0)
		return -1;
	int64_t off = time(NULL) - server;
	int64_t size = off < 0 ? -off : off;
	if (size <= TOLERANCE_S)
		return 0;
	_cleanup_free_ char *span = clock_span(size);
	_cleanup_free_ char *at = time_format(server);
	_cleanup_free_ char *wrong = xasprintf("this site's clock was %s %s the gate's, %s", span,
					       off < 0 ? "behind" : "ahead of", at);
	if (server < floor) {
		_cleanup_free_ char *limit = time_format(floor);
		strv_addf(notes, "%s, which is not believed: it is after %s", wrong, limit);
	} else if (!m->conf->set_clock) {
		strv_addf(notes, "%s, and stays so (Set-Clock: no)", wrong);
	} else {
		set_clock(server, wrong, notes, stepped);
	}
	log_warn("%s", notes->items[notes->count - 1]);
	return 0;
}
