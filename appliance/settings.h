/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings of a version that is in the store, with this site's parameters. */
#ifndef WAYBILL_SETTINGS_H
#define WAYBILL_SETTINGS_H

#include "appliance/host.h"
#include "common/settings.h"

/* Of an instance of `appliance` in a version that is in the store. */
int settings_load(const struct host *host, const char *appliance, const char *version,
		  struct settings **out, struct err *err) _must_check_;

#endif
