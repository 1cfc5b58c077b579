/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a site list says of the host itself: upgrades, kernels, reboots, disk space.
 * Format: docs/spec/self-care.md */
#ifndef WAYBILL_HOST_POLICY_H
#define WAYBILL_HOST_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/day-window.h"
#include "common/deb822.h"
#include "common/err.h"
#include "common/strbuf.h"
#include "common/strv.h"

enum host_upgrades { HOST_UPGRADES_NONE, HOST_UPGRADES_SECURITY, HOST_UPGRADES_ALL };

struct host_policy {
	enum host_upgrades upgrades;
	struct strv security_origins;	/* "Debian/Debian-Security": Origin, Label */
	unsigned keep_kernels;		/* the newest; 0: all */
	struct day_window reboot;
	uint64_t min_free_bytes;
	bool has_ssh_from;		/* Host-Ssh is there, and goes before the host's own */
	struct strv ssh_from;		/* networks */
};

void host_policy_init(struct host_policy *policy);	/* the defaults */
void host_policy_destroy(struct host_policy *policy);

/* Read the fields that are there into an initialised policy. Errors: ERR_INPUT. */
int host_policy_parse(const struct deb822_stanza *stanza, struct host_policy *policy,
		      struct err *err) _must_check_;

/* Write the fields that differ from the defaults. */
void host_policy_write(struct strbuf *out, const struct host_policy *policy);

#endif
