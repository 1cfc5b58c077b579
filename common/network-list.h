/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "none", "any", or networks: who may come in. In hostconfig.conf and a site's policy. */
#ifndef WAYBILL_NETWORK_LIST_H
#define WAYBILL_NETWORK_LIST_H

#include <netinet/in.h>
#include <stdbool.h>

#include "common/err.h"
#include "common/strv.h"

/* Append the networks of `text`, each as ADDRESS/BITS; "any" is 0.0.0.0/0 and ::/0, "none"
 * nothing. A plain address is a network of one. `field` is for messages.
 * Errors: ERR_INPUT (no address, bits below the mask, more than 64). */
int network_list_parse(const char *text, const char *field, struct strv *out,
		       struct err *err) _must_check_;

/* Whether one of them, of what network_list_parse() gave, has this IPv4 address. */
bool network_list_has(const struct strv *networks, struct in_addr address);

/* IPv6, of what network_list_parse() gave. */
bool network_is_ipv6(const char *network);

#endif
