/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the site's policy says of the host's network. */
#ifndef HOSTCONFIG_POLICY_H
#define HOSTCONFIG_POLICY_H

#include <stdbool.h>

#include "common/root.h"
#include "common/strv.h"
#include "hostconfig/params.h"

struct policy {
	struct strv ssh_from;	/* networks that may use ssh */
	bool ssh_by_policy;	/* Host-Ssh said so, and not Ssh-From */
	struct strv serve_to;	/* networks whose sites may take packages, of IPv4 */
};

void policy_destroy(struct policy *policy);
#define _cleanup_policy_ __attribute__((cleanup(policy_destroy)))

/* Into a zeroed policy: Host-Ssh of the last good list, else Ssh-From; Serve-To of pkgmgr.conf,
 * else of that list. Also on failure: without what cannot be believed. Errors: ERR_SIGNATURE and
 * others: the list is there and not to be believed; ERR_USAGE: pkgmgr.conf. */
int policy_read(const struct root *root, const struct params *params, struct policy *policy,
		struct err *err) _must_check_;

#endif
