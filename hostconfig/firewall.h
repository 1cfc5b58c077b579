/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nftables table `inet waybill_host`. */
#ifndef HOSTCONFIG_FIREWALL_H
#define HOSTCONFIG_FIREWALL_H

#include "common/root.h"
#include "hostconfig/params.h"
#include "hostconfig/policy.h"

/* Load nftables.conf with the parameters, in one transaction; policy: who may come in.
 * If it cannot be loaded, the table that was there stays, or the closed one comes, and the
 * call fails. */
int firewall_load(const struct root *root, const struct params *params,
		  const struct policy *policy, struct err *err) _must_check_;

/* Load the closed table if there is none. */
int firewall_ensure(struct err *err) _must_check_;

enum firewall_state { FIREWALL_NONE, FIREWALL_CLOSED, FIREWALL_LOADED };
/* Errors: ERR_NOT_FOUND (no nft), ERR_REFUSED (not root). */
int firewall_look(enum firewall_state *state, struct err *err) _must_check_;

int firewall_remove(struct err *err) _must_check_;

#endif
