/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "common/log.h"
#include "common/util.h"

struct progress {
	char *label;
	uint64_t total;
	uint64_t done;
	uint64_t there;		/* of those, not by us */
	int64_t started_ms;
	int64_t drawn_ms;
	bool visible;
};

enum { REDRAW_MS = 100, BAR_MAX = 30 };

struct progress *progress_new(const char *label, uint64_t total_bytes)
{
	struct progress *p = xcalloc(1, sizeof(*p));
	p->label = xstrdup(label);
	p->total = total_bytes;
	p->started_ms = monotonic_ms();
	p->visible = isatty(STDERR_FILENO) && log_get_level() >= LOG_LEVEL_INFO;
	return p;
}

static void draw(struct progress *p, int64_t now_ms)
{
	int64_t elapsed_ms = now_ms - p->started_ms;
	uint64_t rate = elapsed_ms > 0 ? (p->done - p->there) * 1000 / (uint64_t)elapsed_ms : 0;
	_cleanup_free_ char *done = size_format(p->done);
	_cleanup_free_ char *speed = size_format(rate);
	if (!p->total) {
		fprintf(stderr, "\r\033[K%s  %s  %s/s", p->label, done, speed);
		return;
	}
	uint64_t capped = p->done < p->total ? p->done : p->total;
	int filled = (int)((double)capped / (double)p->total * BAR_MAX);
	uint64_t left_s = rate ? (p->total - capped) / rate : 0;
	char bar[BAR_MAX + 1];
	for (int i = 0; i < BAR_MAX; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR_MAX] = '\0';
	fprintf(stderr, "\r\033[K%s  [%s] %3d %%  %s  %s/s  %llu:%02llu left", p->label, bar,
		(int)((double)capped / (double)p->total * 100), done, speed,
		(unsigned long long)(left_s / 60), (unsigned long long)(left_s % 60));
}

void progress_set(struct progress *p, uint64_t done_bytes)
{
	p->done = done_bytes;
	if (!p->visible)
		return;
	int64_t now_ms = monotonic_ms();
	if (p->drawn_ms && now_ms - p->drawn_ms < REDRAW_MS)
		return;
	p->drawn_ms = now_ms;
	log_over_bar(true);
	draw(p, now_ms);
}

void progress_skip(struct progress *p, uint64_t there_bytes)
{
	p->there = p->done = there_bytes;
}

void progress_add(struct progress *p, uint64_t more_bytes)
{
	progress_set(p, p->done + more_bytes);
}

void progress_free(struct progress *p)
{
	if (p->visible && p->drawn_ms) {
		draw(p, monotonic_ms());
		fputc('\n', stderr);
		log_over_bar(false);
	}
	free(p->label);
	free(p);
}
