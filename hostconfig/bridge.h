/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bridge wb0: made with ip(8), in the network namespace that we are in. */
#ifndef HOSTCONFIG_BRIDGE_H
#define HOSTCONFIG_BRIDGE_H

#include "common/root.h"
#include "hostconfig/params.h"

/* Make it if need be, without address and down; have the firewall see what passes between
 * two of its ports. */
int bridge_make(const struct root *root, struct err *err) _must_check_;

/* Its one address, up, and forwarding on. */
int bridge_address(const struct params *params, struct err *err) _must_check_;

/* Put a card into it. Errors: ERR_NOT_FOUND, ERR_REFUSED (the host's way out). */
int bridge_add_card(const char *name, struct err *err) _must_check_;

/* Take a card out; success if there is none of the name. */
int bridge_drop_card(const char *name, struct err *err) _must_check_;

int bridge_remove(struct err *err) _must_check_;

#endif
