/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the operator decides about tokens and machines. Each takes the lock of
 * private/enrolment; the repository's is held. Format: docs/spec/enrolment.md */
#ifndef WAYBILL_ENROL_ADMIN_H
#define WAYBILL_ENROL_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/enrol.h"
#include "repo-tools/enrolment.h"
#include "repo-tools/repo.h"

struct enrol_token_spec {
	const char *site;	/* NULL: a batch token */
	uint64_t uses;
	bool approved;
	int64_t made;		/* Unix seconds */
	int64_t expires;
};

/* Remember a token (its hash): from now on a machine may show it. */
int enrol_admin_add_token(const struct repo *repo, const char *token,
			  const struct enrol_token_spec *spec, struct err *err) _must_check_;

/* Let a machine be this site. `which`: its fingerprint, the beginning of it, or its serial;
 * NULL: the one that waits for this site. *out (free it) is its fingerprint, *replaced whether
 * another key was the site's before. Errors: ERR_NOT_FOUND, ERR_EXISTS (it is another site). */
int enrol_admin_approve(const struct repo *repo, const char *site, const char *which, char **out,
			bool *replaced, struct err *err) _must_check_;

/* The site's key is good for nothing any more, and neither are its unused tokens.
 * Errors: ERR_NOT_FOUND (it has no key). */
int enrol_admin_revoke_site(const struct repo *repo, const char *site,
			    struct err *err) _must_check_;
/* A machine that is no site: it will not become one. Errors: as enrol_admin_approve(). */
int enrol_admin_revoke_machine(const struct repo *repo, const char *which, char **out,
			       struct err *err) _must_check_;

/* The operator sets a site's key by hand: whatever machine was the site is it no more. */
int enrol_admin_set_key(const struct repo *repo, const char *site, const char *key,
			struct err *err) _must_check_;
/* Before a site is removed: a new site of that name must not let its machine in. */
int enrol_admin_forget_site(const struct repo *repo, const char *site,
			    struct err *err) _must_check_;

#endif
