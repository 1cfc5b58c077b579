/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What nft and dnsmasq are given, made of the parameters. Source: docs/spec/host-config.md */
#ifndef HOSTCONFIG_GENERATE_H
#define HOSTCONFIG_GENERATE_H

#include "common/strbuf.h"
#include "hostconfig/params.h"
#include "hostconfig/policy.h"

/* nft's input: `rules` (the path of nftables.conf) with what it leaves open.
 * policy: who outside may come in. */
void generate_nft(const struct params *params, const char *rules, const struct policy *policy,
		  struct strbuf *out);

/* The table for when nftables.conf cannot be loaded: out goes all, in come answers. */
extern const char closed_table[];

/* dnsmasq.conf. boot_address: where thin clients boot from, or NULL. */
void generate_dnsmasq(const struct params *params, const struct root *root,
		      const char *boot_address, struct strbuf *out);

#endif
