/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the site's policy says of the host's network. */
#ifndef HOSTCONFIG_POLICY_H
#define HOSTCONFIG_POLICY_H

#include <stdbool.h>

#include "common/root.h"
#include "common/strv.h"
#include "hostconfig/params.h"

/* Who outside may use ssh: by Host-Ssh of the last good list (*by_policy), else by Ssh-From,
 * also on failure. Errors: ERR_SIGNATURE and others: the list is there and not to be believed. */
int policy_ssh_from(const struct root *root, const struct params *params, struct strv *out,
		    bool *by_policy, struct err *err) _must_check_;

#endif
