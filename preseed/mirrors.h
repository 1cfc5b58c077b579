/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mirror and proxy of a site: by default those of the machine that makes its stick. */
#ifndef WAYBILL_MIRRORS_H
#define WAYBILL_MIRRORS_H

#include "common/err.h"
#include "preseed/site-conf.h"

/* Fill in what the operator's file leaves out. Afterwards mirror, security_mirror and proxy
 * are not NULL ("": none of it).
 * Errors: ERR_NOT_FOUND (apt here knows no Debian archive), ERR_INPUT (an address that
 * debian-installer cannot use). */
int mirrors_complete(struct site_conf *conf, struct err *err) _must_check_;

/* An address of a mirror in the parts that debian-installer wants it in. */
struct mirror_url {
	char *protocol;		/* "http", "https" */
	char *host;		/* with its port, if it has one */
	char *directory;	/* "/debian" */
};
void mirror_url_split(const char *url, struct mirror_url *out);
void mirror_url_destroy(struct mirror_url *url);

#endif
