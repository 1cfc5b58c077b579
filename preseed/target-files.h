/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine that was installed without a network is told of its own: name, network, and
 * where apt finds Debian from then on. */
#ifndef WAYBILL_TARGET_FILES_H
#define WAYBILL_TARGET_FILES_H

#include "preseed/seed-archive.h"
#include "preseed/site-conf.h"

/* Add hostname, hosts, interfaces, networking.conf (no card named, or a tag), resolv.conf (static),
 * sources.list and apt.conf (with a proxy) below waybill/target/. `conf` has been through
 * mirrors_complete(). */
void target_files_add(struct seed_archive *seed, const struct site_conf *conf, const char *site);

#endif
