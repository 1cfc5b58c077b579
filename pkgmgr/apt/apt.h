/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bridge to libapt-pkg: the only way in, in C. libapt-pkg keeps its
 * configuration in globals, so a process serves one root. No exception crosses. */
#ifndef PKGMGR_APT_H
#define PKGMGR_APT_H

#include <stdbool.h>

#include "common/err.h"
#include "common/fetch-policy.h"
#include "common/root.h"
#include "common/site-list.h"
#include "pkgmgr/plan.h"

/* Set libapt-pkg up for this root: its dpkg status, its apt sources, keys, lists,
 * caches and logs, never the host's (unless the root is the host). */
int apt_init(const struct root *root, struct err *err) _must_check_;

/* Fetch indexes through this proxy; "none": through none, whatever the environment says. */
void apt_set_proxy(const char *proxy);

/* "apt-get update". A server that does not answer, or is slower than the policy bears, leaves the
 * old indexes and is put in *warning (free it; NULL: all answered). A bad signature or hash is
 * ERR_SIGNATURE, anything else ERR_NETWORK. *received_bytes as apt counts them. */
int apt_update(const struct fetch_policy *policy, uint64_t *received_bytes, char **warning,
	       struct err *err) _must_check_;

/* Whether a warning of apt_update() is about a Release that is not valid yet or no more. */
bool apt_is_untimely(const char *warning);

/* A Release file that the indexes of one suite come from. */
struct apt_release {
	const char *name;	/* of the file; stable for a suite of a server */
	int64_t date;		/* 0: it has none */
	int64_t valid_until;	/* 0: it has none */
};

/* Called for each Release of `origin`; -1 stops. */
typedef int (*apt_release_fn)(const struct apt_release *release, void *arg, struct err *err);
int apt_releases(const char *origin, apt_release_fn fn, void *arg, struct err *err) _must_check_;

/* A Deltas index that a verified Release names; all borrowed. */
struct apt_deltas_index {
	const char *uri;	/* of the index, uncompressed */
	const char *sha256;
	uint64_t size_bytes;
	const char *base_uri;	/* what its Filenames are below */
};

/* Called for each of them; -1 stops. */
typedef int (*apt_deltas_fn)(const struct apt_deltas_index *index, void *arg, struct err *err);
int apt_deltas(apt_deltas_fn fn, void *arg, struct err *err) _must_check_;

struct apt_request {
	const struct site_list *list;
	const struct strv *ours;	/* packages that Waybill installed */
	const struct strv *bad;		/* "askom 1.4.0": rolled back here, not to be tried again */
	const char *origin;		/* Origin of our repository */
	const char *kernel_release;	/* of the running kernel */
};

/* Solve the list against what is installed and what the indexes offer; nothing is
 * changed. Returns 0 and *out, or -1. Errors: ERR_REFUSED (the list cannot be
 * satisfied; says why), ERR_SYSTEM (libapt-pkg cannot read its files). */
int apt_plan(const struct apt_request *request, struct plan **out, struct err *err) _must_check_;

/* Take dpkg's locks, waiting up to timeout_s for an orphaned dpkg. */
int apt_lock(unsigned timeout_s, struct err *err) _must_check_;
void apt_unlock(void);

/* Carry out exactly this plan by dpkg; every archive has its path. The locks are
 * held on entry. Errors: ERR_INCONSISTENT (the world changed since the plan was made),
 * ERR_PROGRAM (dpkg failed; what it said went to standard error). */
int apt_commit(const struct plan *plan, struct err *err) _must_check_;

#endif
