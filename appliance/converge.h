/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Brings an instance from what it is to what is wanted. The only code that changes a
 * domain. The table of steps is in converge.c; docs/spec/instance.md explains them. */
#ifndef WAYBILL_CONVERGE_H
#define WAYBILL_CONVERGE_H

#include "appliance/domain.h"
#include "appliance/host.h"

/* What a pass leaves open. */
struct converge_outcome {
	bool waiting; /* something was started whose checks have neither all passed nor failed
		       * for good, or may start now: converge again in a moment */
	bool blocked; /* something waits for what its Start-After names */
	bool moved;   /* something was done, or became healthy */
};

/* Converge one instance under the host's lock, which the caller holds. Death at any
 * point, and then a plain rerun, ends as one run would have.
 * hv NULL: no hypervisor answers; only what needs none is done.
 * A failure is recorded in the instance's note as well as returned; that a version had to be
 * reverted is one too, ERR_REFUSED, once. *outcome is set in any case. */
int converge_instance(struct host *host, struct hypervisor *hv, const char *name,
		      struct converge_outcome *outcome, struct err *err) _must_check_;

/* Converge all `names`, one after the other, the lock held by the caller; one that fails
 * does not keep the others waiting.
 * start_only: the way of maintainer scripts: what fails is recorded and said, and success
 * is returned, since a failing postinst would only be run again by every later dpkg.
 * Without a hypervisor the rest is left to the next boot; that is an error only when
 * start_only is false and a domain may have to be changed. */
int converge_run(struct host *host, const struct strv *names, bool start_only,
		 struct converge_outcome *outcome, struct err *err) _must_check_;

/* The same for one name. */
int converge_one(struct host *host, const char *name, struct err *err) _must_check_;

#endif
