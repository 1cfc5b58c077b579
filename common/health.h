/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One round of an appliance's health checks: what each of them saw just now. What follows
 * from it (deadlines, retries, going back to the old version) is converge's business.
 * What each kind means: docs/spec/appliance-conf.md */
#ifndef WAYBILL_COMMON_HEALTH_H
#define WAYBILL_COMMON_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/appliance-conf.h"
#include "common/err.h"
#include "common/util.h"

struct agent;

enum {
	HEALTH_CHECK_SECONDS = 5,      /* for one check to answer in */
	HEALTH_DETAIL_BYTES = 4 * 1024, /* at most so much of a check's output */
};

struct health_result {
	const struct health_check *check; /* borrowed from the conf */
	bool ok;
	char *name;   /* health_check_name() */
	char *text;   /* one line: "http:80/: connection refused" */
	char *detail; /* the start of the check's output, printable UTF-8; or NULL */
};

struct health_round {
	struct health_result *results; /* in the order of the conf */
	size_t count;
};

void health_round_destroy(struct health_round *round);

/* How to reach a guest. */
struct health_guest {
	const struct appliance_conf *conf;
	/* The guest's own, with Network: nat; or NULL: a check of guest port P goes to
	 * 127.0.0.1 and the host port that conf->ports (which may be the site's) forwards to P. */
	const char *address;
	void *ctx;
	/* Called for the first check that needs the agent, once a round. Errors: why there is
	 * no agent. */
	int (*open_agent)(void *ctx, struct agent **out, struct err *err);
	void (*close_agent)(struct agent *agent);
};

/* Run every check of guest->conf once; *out tells what they saw. Takes about
 * HEALTH_CHECK_SECONDS for each check that fails by silence, and twice that where the guest
 * agent goes silent under way, which is then not asked by the round's other checks. */
void health_look(const struct health_guest *guest, struct health_round *out);

/* As many results as conf has checks, all of them not ok and saying `why`. */
void health_round_fail(const struct appliance_conf *conf, const char *why,
		       struct health_round *out);

/* All of them ok; also when there are none. */
bool health_round_is_good(const struct health_round *round);

/* A check as its line in Health has it: "http:80/", "exec:test -e /ready"; a long one is
 * cut. Free it. */
char *health_check_name(const struct health_check *check);

/* What was seen, without the name in front: "connection refused". */
const char *health_result_seen(const struct health_result *result);

#endif
