/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is wrong with this host? Each check adds one finding or more, in plain words. */
#ifndef HOSTCONFIG_CHECK_H
#define HOSTCONFIG_CHECK_H

#include <stdint.h>

#include "common/pkgmgr-conf.h"
#include "common/root.h"
#include "hostconfig/findings.h"
#include "hostconfig/params.h"

/* Below this, appliances do not fit, or not their upgrades. */
#define DISK_MIN_BYTES (10ull << 30)
#define DISK_MIN_FREE_BYTES (1ull << 30)
#define CLOCK_SLACK_S 300

struct check_context {
	struct root root;
	struct pkgmgr_conf *conf;	/* NULL: not configured; conf_error says why */
	struct params *params;		/* NULL: wrong; params_error says why */
	struct err conf_error;
	struct err params_error;
	struct findings findings;
};

/* check-machine.c */
void check_virtualisation(struct check_context *c);
void check_disk(struct check_context *c);
void check_clock(struct check_context *c);
/* What a disk of these bytes is worth. */
void disk_judge(struct findings *findings, uint64_t size_bytes, uint64_t free_bytes);

/* check-server.c */
void check_network(struct check_context *c);
void check_name(struct check_context *c);
void check_route(struct check_context *c);
void check_key(struct check_context *c);

/* check-bridge.c */
void check_libvirt(struct check_context *c);
void check_bridge(struct check_context *c);
void check_dhcp(struct check_context *c);
void check_firewall(struct check_context *c);

#endif
