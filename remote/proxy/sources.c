/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/proxy/sources.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/random.h>

#include "common/util.h"

enum {
	BUCKETS = 4096,
	MAX_SOURCES = 65536,
	/* The first failures cost nothing that a person would notice. */
	FIRST_DELAY_MS = 100,
	LONGEST_DELAY_MS = 30000,
	/* So long is a failure remembered. */
	MEMORY_MS = 10 * 60 * 1000,
};

struct source {
	struct source *next;
	struct in6_addr address; /* IPv4 is mapped; of IPv6 the network */
	unsigned strangers;
	unsigned failures;
	int64_t last_ms; /* when it came or failed last */
	/* A bucket of connections that it may still open, in thousandths. */
	int64_t tokens;
};

struct sources {
	struct sources_limits limits;
	unsigned strangers;
	size_t count;
	uint64_t seed;
	struct source *buckets[BUCKETS];
};

struct sources *sources_new(const struct sources_limits *limits)
{
	struct sources *sources = xcalloc(1, sizeof(*sources));
	sources->limits = *limits;
	(void)!getrandom(&sources->seed, sizeof(sources->seed), 0);
	return sources;
}

static bool is_idle(const struct source *source, int64_t now_ms)
{
	return source->strangers == 0 && source->last_ms + MEMORY_MS <= now_ms;
}

static void sweep(struct sources *sources, int64_t now_ms, bool all)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct source **p = &sources->buckets[i]; *p;) {
			struct source *source = *p;
			if (!all && !is_idle(source, now_ms)) {
				p = &source->next;
				continue;
			}
			*p = source->next;
			free(source);
			sources->count--;
		}
	}
}

void sources_sweep(struct sources *sources, int64_t now_ms)
{
	sweep(sources, now_ms, false);
}

void sources_freep(struct sources **sources)
{
	if (!*sources)
		return;
	sweep(*sources, 0, true);
	free(*sources);
	*sources = NULL;
}

size_t sources_count(const struct sources *sources)
{
	return sources->count;
}

static struct in6_addr key_of(const struct sockaddr_storage *address)
{
	struct in6_addr key = { 0 };
	if (address->ss_family == AF_INET) {
		key.s6_addr[10] = key.s6_addr[11] = 0xff;
		memcpy(key.s6_addr + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		key = ((const struct sockaddr_in6 *)address)->sin6_addr;
		if (!IN6_IS_ADDR_V4MAPPED(&key))
			memset(key.s6_addr + 8, 0, 8);
	}
	return key;
}

/* FNV-1a with a seed of our own, so that nobody outside can fill one bucket. */
static struct source **bucket_of(struct sources *sources, const struct in6_addr *key)
{
	uint64_t hash = sources->seed ^ 14695981039346656037u;
	for (size_t i = 0; i < sizeof(key->s6_addr); i++)
		hash = (hash ^ key->s6_addr[i]) * 1099511628211u;
	return &sources->buckets[(hash ^ hash >> 32) % BUCKETS];
}

static struct source *find_or_add(struct sources *sources, const struct in6_addr *key,
				  int64_t now_ms)
{
	struct source **bucket = bucket_of(sources, key);
	for (struct source *source = *bucket; source; source = source->next)
		if (memcmp(&source->address, key, sizeof(*key)) == 0)
			return source;
	if (sources->count >= MAX_SOURCES)
		return NULL;
	struct source *source = xcalloc(1, sizeof(*source));
	source->address = *key;
	source->last_ms = now_ms;
	source->tokens = (int64_t)sources->limits.rate_per_source * 1000;
	source->next = *bucket;
	*bucket = source;
	sources->count++;
	return source;
}

struct source *sources_enter(struct sources *sources, const struct sockaddr_storage *address,
			     int64_t now_ms)
{
	struct in6_addr key = key_of(address);
	struct source *source = find_or_add(sources, &key, now_ms);
	if (!source)
		return NULL;
	int64_t full = (int64_t)sources->limits.rate_per_source * 1000;
	source->tokens += (now_ms - source->last_ms) * (int64_t)sources->limits.rate_per_source;
	if (source->tokens > full)
		source->tokens = full;
	source->last_ms = now_ms;
	if (source->tokens < 1000 || sources->strangers >= sources->limits.strangers ||
	    source->strangers >= sources->limits.strangers_per_source)
		return NULL;
	source->tokens -= 1000;
	source->strangers++;
	sources->strangers++;
	return source;
}

void source_leave(struct sources *sources, struct source *source)
{
	if (!source)
		return;
	source->strangers--;
	sources->strangers--;
}

int64_t source_failed(struct source *source, int64_t now_ms)
{
	source->last_ms = now_ms;
	int64_t delay_ms = FIRST_DELAY_MS;
	for (unsigned i = 0; i < source->failures && delay_ms < LONGEST_DELAY_MS; i++)
		delay_ms *= 2;
	source->failures++;
	return delay_ms < LONGEST_DELAY_MS ? delay_ms : LONGEST_DELAY_MS;
}

void source_name(const struct source *source, char name[INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED(&source->address))
		inet_ntop(AF_INET, source->address.s6_addr + 12, name, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &source->address, name, INET6_ADDRSTRLEN);
}

void source_address(const struct source *source, struct sockaddr_storage *address)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
	*address = (struct sockaddr_storage){ 0 };
	v6->sin6_family = AF_INET6;
	v6->sin6_addr = source->address;
}
