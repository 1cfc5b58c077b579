/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A site's configuration. Format: docs/spec/pkgmgr-conf.md */
#ifndef WAYBILL_PKGMGR_CONF_H
#define WAYBILL_PKGMGR_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/fetch-policy.h"
#include "common/root.h"
#include "common/util.h"

#define PKGMGR_CONF "etc/waybill/pkgmgr.conf"

struct pkgmgr_conf {
	char *site;		/* NULL: not enrolled yet */
	char *server;		/* USER@HOST */
	unsigned port;
	char *ssh_key;		/* absolute, below the root */
	char *known_hosts;	/* likewise */
	char *fetch_user;
	char *origin;
	char *reboot_command;	/* a program and its arguments; "": the system's way */
	uint64_t timeout_s;
	bool set_clock;		/* a wrong clock may be set */
	struct fetch_policy fetch; /* what is set here */
};

/* Parse the text of a pkgmgr.conf; paths are resolved below `root`.
 * Errors: ERR_USAGE: the configuration is wrong. */
int pkgmgr_conf_parse(const struct root *root, const char *text, size_t len,
		      struct pkgmgr_conf **out, struct err *err) _must_check_;
/* Read <root>/etc/waybill/pkgmgr.conf. */
int pkgmgr_conf_read(const struct root *root, struct pkgmgr_conf **out,
		     struct err *err) _must_check_;
void pkgmgr_conf_free(struct pkgmgr_conf *conf);
DEFINE_FREEP(struct pkgmgr_conf, pkgmgr_conf_free)

#endif
