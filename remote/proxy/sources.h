/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where strangers come from, and how much of the proxy each address may have: so that one that
 * tries codes at full rate costs the others nothing.
 * Source: docs/spec/proxy-limits.md */
#ifndef WAYBILL_SOURCES_H
#define WAYBILL_SOURCES_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct sources_limits {
	unsigned strangers;	       /* at once, in all */
	unsigned strangers_per_source; /* at once, of one address */
	unsigned rate_per_source;      /* a second, of one address */
};

struct sources;
struct source;

struct sources *sources_new(const struct sources_limits *limits);
void sources_freep(struct sources **sources);

/* A stranger has come from `address`. NULL: it may not come in. Else it counts until
 * source_leave(): when it has said who it is, or is gone. IPv6 counts by networks of 64 bits. */
struct source *sources_enter(struct sources *sources, const struct sockaddr_storage *address,
			     int64_t now_ms);
void source_leave(struct sources *sources, struct source *source);

/* It gave a code that is none. Returns how long it must wait for the answer, in milliseconds. */
int64_t source_failed(struct source *source, int64_t now_ms);
/* The address, as text. */
void source_name(const struct source *source, char name[INET6_ADDRSTRLEN]);

/* The same, to enter from it again. */
void source_address(const struct source *source, struct sockaddr_storage *address);

/* Forget who has been quiet for long. */
void sources_sweep(struct sources *sources, int64_t now_ms);
size_t sources_count(const struct sources *sources);

#endif
