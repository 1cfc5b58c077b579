/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a site fetches: its line, its neighbours, what it keeps for them. Stands in
 * pkgmgr.conf and, what is the operator's to say, in the site list.
 * Format: docs/spec/pkgmgr-conf.md, docs/spec/site-list.md */
#ifndef WAYBILL_FETCH_POLICY_H
#define WAYBILL_FETCH_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/deb822.h"
#include "common/err.h"
#include "common/strbuf.h"
#include "common/strv.h"

#define FETCH_UNSET UINT64_MAX

struct fetch_policy {
	uint64_t rate_limit;	/* bytes a second, of all together; 0: none */
	uint64_t minimum_rate;	/* bytes a second; 0: none */
	uint64_t stall_s;	/* slower than that for so long is a dead line */
	uint64_t deadline_s;	/* of all that one sync fetches */
	int64_t until_ms;	/* monotonic: when that is over */
	uint64_t parallel;	/* files at once */
	uint64_t cache_bytes;	/* of verified archives that are kept; 0: none */
	uint64_t cache_s;	/* for how long */
	char *proxy;		/* NULL: unset; "none": not even the environment's */
	struct strv peers;	/* "http://kbh2.lan:8480" */
	bool has_serve_to;
	struct strv serve_to;	/* networks, of IPv4, that may take what is kept */
};

/* Everything unset. */
void fetch_policy_init(struct fetch_policy *policy);
void fetch_policy_destroy(struct fetch_policy *policy);

/* Read the fields that are there into an initialised policy; without `in_list`, those of
 * pkgmgr.conf alone too. Errors: ERR_INPUT. */
int fetch_policy_parse(const struct deb822_stanza *stanza, bool in_list,
		       struct fetch_policy *policy, struct err *err) _must_check_;

/* Write the fields of a site list that are set. */
void fetch_policy_write(struct strbuf *out, const struct fetch_policy *policy);

/* What holds from now on: the site's own word first, then the list's (NULL: there is none), then
 * the default; peers of both. Who serves keeps something, if nothing is said. The deadline's time
 * begins. Destroy *out. */
void fetch_policy_merge(const struct fetch_policy *own, const struct fetch_policy *list,
			struct fetch_policy *out);

/* "none", "private", "any" or networks, appended as network_list_parse() does. */
int serve_to_parse(const char *text, struct strv *out, struct err *err) _must_check_;
/* Of two that may say it, the first that does; NULL: says nothing. */
void serve_to_merge(const struct fetch_policy *own, const struct fetch_policy *list,
		    struct strv *out);

#endif
