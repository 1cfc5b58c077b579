/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/schedule.h"

#include "common/atomic-file.h"
#include "common/day-window.h"
#include "common/deb822.h"
#include "common/hash.h"
#include "common/util.h"

enum { MAX_BYTES = 4096 };
enum { RETRY_FIRST_S = 60, REFUSED_FIRST_S = 3600, RETRY_MAX_S = 4 * 3600, ENROL_MAX_S = 15 * 60 };

void schedule_init(struct schedule *schedule)
{
	*schedule = (struct schedule){
		.site = xstrdup(""),
		.sync_minute = 2 * 60 + 30,
		.splay_seconds = 45 * 60,
	};
}

void schedule_destroy(struct schedule *schedule)
{
	free(schedule->site);
	free(schedule->serve_to);
	*schedule = (struct schedule){ 0 };
}

static int read_stanza(const struct deb822_stanza *stanza, const char *path,
		       struct schedule *schedule, struct err *err)
{
	static const char *const known[] = { "Site", "Sync-At", "Splay", "Reboot-Window",
					     "Min-Free", "Serve-To", NULL };
	const char *site = NULL, *at = NULL, *splay = NULL;
	const char *reboot = deb822_get(stanza, "Reboot-Window");
	const char *min_free = deb822_get(stanza, "Min-Free");
	const char *serve_to = deb822_get(stanza, "Serve-To");
	unsigned minute = 0;
	uint64_t seconds = 0, bytes = 0;
	struct day_window window = { 0 };
	if (deb822_check_known(stanza, known, path, err) < 0 ||
	    deb822_require(stanza, "Site", path, &site, err) < 0 ||
	    deb822_require(stanza, "Sync-At", path, &at, err) < 0 ||
	    deb822_require(stanza, "Splay", path, &splay, err) < 0 ||
	    day_minute_parse(at, &minute, "Sync-At", err) < 0 ||
	    duration_parse(splay, &seconds, "Splay", err) < 0 ||
	    (reboot && day_window_parse(reboot, &window, "Reboot-Window", err) < 0) ||
	    (min_free && size_parse(min_free, &bytes, "Min-Free", err) < 0))
		return -1;
	schedule_destroy(schedule);
	*schedule = (struct schedule){ xstrdup(site), minute, seconds, window, bytes,
				       serve_to ? xstrdup(serve_to) : NULL };
	return 0;
}

int schedule_read(const struct root *root, struct schedule *schedule, struct err *err)
{
	_cleanup_free_ char *path = root_path(root, SCHEDULE_FILE);
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (!file_exists(path))
		return 0;
	if (deb822_read_file(path, MAX_BYTES, 1, &doc, err) < 0)
		return -1;
	if (doc->count != 1)
		return err_set(err, ERR_INPUT, "%s: no schedule in it", path);
	return read_stanza(&doc->stanzas[0], path, schedule, err);
}

int schedule_write(const struct root *root, const struct schedule *schedule, struct err *err)
{
	_cleanup_free_ char *path = root_path(root, SCHEDULE_FILE);
	_cleanup_free_ char *window = day_window_format(&schedule->reboot);
	_cleanup_free_ char *text = xasprintf(
		"Site: %s\nSync-At: %02u:%02u\nSplay: %llus\nReboot-Window: %s\nMin-Free: %llu\n"
		"%s%s%s",
		schedule->site, schedule->sync_minute / 60, schedule->sync_minute % 60,
		(unsigned long long)schedule->splay_seconds, window,
		(unsigned long long)schedule->min_free_bytes,
		schedule->serve_to ? "Serve-To: " : "", schedule->serve_to ? schedule->serve_to : "",
		schedule->serve_to ? "\n" : "");
	return atomic_file_write(path, text, strlen(text), 0644, err);
}

uint64_t schedule_offset(const char *site, uint64_t span_seconds)
{
	_cleanup_free_ char *seed = xasprintf("waybill-splay %s", site);
	char hex[SHA256_HEX_LEN + 1];
	sha256_hex(seed, strlen(seed), hex);
	hex[16] = '\0';
	return span_seconds ? strtoull(hex, NULL, 16) % span_seconds : 0;
}

/* Sync-At on the local day of `now` plus `days`, and this site's offset. */
static int64_t sync_time(const struct schedule *schedule, int64_t now, int days)
{
	return day_minute_time(now, days, schedule->sync_minute) +
	       (int64_t)schedule_offset(schedule->site, schedule->splay_seconds);
}

int64_t schedule_next(const struct schedule *schedule, int64_t now)
{
	/* The splay may reach past midnight, so yesterday's sync can be still ahead. */
	int first = -1 - (int)(schedule->splay_seconds / 86400);
	for (int days = first;; days++) {
		int64_t at = sync_time(schedule, now, days);
		if (at > now)
			return at;
	}
}

static uint64_t backoff(uint64_t first_s, uint64_t max_s, unsigned failures, double random_unit)
{
	uint64_t delay = first_s;
	for (unsigned i = 1; i < failures && delay < max_s; i++)
		delay *= 2;
	if (delay > max_s)
		delay = max_s;
	return (uint64_t)((double)delay * (0.75 + random_unit / 2));
}

uint64_t schedule_backoff(unsigned failures, bool refused, double random_unit)
{
	return backoff(refused ? REFUSED_FIRST_S : RETRY_FIRST_S, RETRY_MAX_S, failures,
		       random_unit);
}

uint64_t schedule_enrol_backoff(unsigned failures, double random_unit)
{
	return backoff(RETRY_FIRST_S, ENROL_MAX_S, failures, random_unit);
}
