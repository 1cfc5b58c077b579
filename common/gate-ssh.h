/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a site calls its operator's gate by ssh. */
#ifndef WAYBILL_GATE_SSH_H
#define WAYBILL_GATE_SSH_H

#include "common/pkgmgr-conf.h"
#include "common/strv.h"

/* Append "ssh" and its options: the site's own key, the pinned host key, nothing of
 * anybody's home, nothing that asks. The destination (conf->server) comes next. */
void gate_ssh_argv(const struct pkgmgr_conf *conf, struct strv *argv);

#endif
