/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One round of an appliance's health checks: what each of them saw just now. What follows
 * from it (deadlines, retries, going back to the old version) is converge's business.
 * What each kind means: docs/spec/appliance-conf.md */
#ifndef WAYBILL_HEALTH_H
#define WAYBILL_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/appliance-conf.h"
#include "common/err.h"
#include "common/util.h"

struct hypervisor;

enum {
	HEALTH_CHECK_SECONDS = 5,      /* at most so long for one check */
	HEALTH_DETAIL_BYTES = 4 * 1024, /* at most so much of a check's output */
};

struct health_result {
	const struct health_check *check; /* borrowed from the conf */
	bool ok;
	char *text;   /* one line: "http:80/: connection refused" */
	char *detail; /* the start of the check's output, printable UTF-8; or NULL */
};

struct health_round {
	struct health_result *results; /* in the order of the conf */
	size_t count;
};

void health_round_destroy(struct health_round *round);

/* Run every check of `conf` once against the running domain.
 * address: the guest's, with Network: nat; or NULL: a check of guest port P goes to
 * 127.0.0.1 and the host port that conf->ports (which may be the site's) forwards to P.
 * Returns 0 also when the guest is sick: that is what *out tells; -1 only when we could
 * not look (*out is empty then). Takes up to HEALTH_CHECK_SECONDS for each check, less
 * where the guest agent has failed to answer another check of the round.
 * Errors: those of domain_look(). */
int health_run(struct hypervisor *hv, const char *domain, const struct appliance_conf *conf,
	       const char *address, struct health_round *out, struct err *err) _must_check_;

/* All of them ok; also when there are none. */
bool health_round_is_good(const struct health_round *round);

/* A check as its line in Health names it: "http:80/", "exec:test -e /ready". Free it. */
char *health_check_name(const struct health_check *check);

#endif
