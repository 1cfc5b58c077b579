/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "none", "any", or networks: who may come in. In hostconfig.conf and a site's policy. */
#ifndef WAYBILL_NETWORK_LIST_H
#define WAYBILL_NETWORK_LIST_H

#include <stdbool.h>

#include "common/err.h"
#include "common/strv.h"

/* Append the networks of `text`, each as ADDRESS/BITS; "any" is 0.0.0.0/0 and ::/0, "none"
 * nothing. A plain address is a network of one. `field` is for messages.
 * Errors: ERR_INPUT (no address, bits below the mask, more than 64). */
int network_list_parse(const char *text, const char *field, struct strv *out,
		       struct err *err) _must_check_;

/* IPv6, of what network_list_parse() gave. */
bool network_is_ipv6(const char *network);

#endif
