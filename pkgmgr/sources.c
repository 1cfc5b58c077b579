/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/sources.h"

/* Twice as long each time, from one second on. */
enum { MAX_FAILURES = 3, RETRY_FIRST_MS = 1000, FASTER = 4 };
/* What a mirror is thought to give before it was asked, when a peer is slow. */
#define UNKNOWN_RATE (256ull << 10)

static void add(struct sources *sources, char *uri, bool peer, struct mirrors *mirrors)
{
	for (size_t i = 0; i < sources->count; i++)
		if (str_eq(sources->items[i].uri, uri)) {
			free(uri);
			return;
		}
	sources->items = xrealloc(sources->items, (sources->count + 1) * sizeof(struct source));
	sources->items[sources->count++] =
		(struct source){ .uri = uri, .peer = peer, .mirror = mirrors_get(mirrors, uri) };
}

void sources_init(struct sources *sources, const char *sha256, const struct strv *uris,
		  const struct fetch_policy *policy, struct mirrors *mirrors)
{
	*sources = (struct sources){ NULL, 0 };
	for (size_t i = 0; i < policy->peers.count; i++)
		add(sources, xasprintf("%s/by-sha256/%s", policy->peers.items[i], sha256), true,
		    mirrors);
	for (size_t i = 0; i < uris->count; i++)
		add(sources, xstrdup(uris->items[i]), false, mirrors);
}

void sources_destroy(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		free(sources->items[i].uri);
	free(sources->items);
	*sources = (struct sources){ NULL, 0 };
}

/* Monotonic; 0: now. */
static int64_t asked_from(const struct source *source, int64_t now)
{
	int64_t at = source->retry_at_ms, now_ms = monotonic_ms();
	if (source->mirror->wait_until > now) {
		int64_t until_ms = now_ms + (source->mirror->wait_until - now) * 1000;
		if (until_ms > at)
			at = until_ms;
	}
	return at > now_ms ? at : 0;
}

static enum mirror_class class_of(const struct source *source, int64_t now)
{
	enum mirror_class class = mirror_class(source->mirror, now);
	return class == MIRROR_FINE && source->failures ? MIRROR_FAILED : class;
}

/* Whether `a` is asked before `b`, which comes first in the list. */
static bool goes_before(const struct source *a, const struct source *b, int64_t now)
{
	enum mirror_class of_a = class_of(a, now), of_b = class_of(b, now);
	if (of_a != of_b)
		return of_a < of_b;
	if (a->peer != b->peer)
		return a->peer; /* the thin line is the mirror's */
	if (!a->mirror->rate || !b->mirror->rate)
		return !a->mirror->rate && b->mirror->rate;
	return a->mirror->rate > b->mirror->rate;
}

struct source *sources_pick(const struct sources *sources, int64_t now, int64_t *wake_ms)
{
	struct source *best = NULL;
	*wake_ms = 0;
	for (size_t i = 0; i < sources->count; i++) {
		struct source *source = &sources->items[i];
		if (source->spent)
			continue;
		int64_t from_ms = asked_from(source, now);
		if (!from_ms && (!best || goes_before(source, best, now)))
			best = source;
		if (from_ms && (!*wake_ms || from_ms < *wake_ms))
			*wake_ms = from_ms;
	}
	return best;
}

bool sources_explores(const struct sources *sources, const struct source *source, int64_t now)
{
	if (source->mirror->rate)
		return false; /* measured */
	for (size_t i = 0; i < sources->count; i++) {
		const struct source *other = &sources->items[i];
		if (other != source && !other->spent && other->peer == source->peer &&
		    other->mirror != source->mirror &&
		    class_of(other, now) == MIRROR_FINE)
			return true;
	}
	return false;
}

bool sources_has_faster(const struct sources *sources, const struct source *than, uint64_t rate,
			int64_t now)
{
	for (size_t i = 0; i < sources->count; i++) {
		const struct source *other = &sources->items[i];
		uint64_t its_rate = other->mirror->rate;
		if (!its_rate && than->peer && !other->peer)
			its_rate = UNKNOWN_RATE;
		if (other != than && !other->spent && other->mirror != than->mirror &&
		    class_of(other, now) == MIRROR_FINE && !asked_from(other, now) &&
		    its_rate / FASTER > rate)
			return true;
	}
	return false;
}

void source_failed(struct source *source, bool progress, int64_t now)
{
	source->failures = progress ? 1 : source->failures + 1;
	source->retry_at_ms = monotonic_ms() + ((int64_t)RETRY_FIRST_MS << (source->failures - 1));
	mirror_failed(source->mirror, now);
	if (source->failures >= MAX_FAILURES)
		source->spent = true;
}
