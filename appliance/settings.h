/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings of a version that is in the store, with this site's parameters. */
#ifndef WAYBILL_SETTINGS_H
#define WAYBILL_SETTINGS_H

#include "appliance/host.h"
#include "appliance/instance.h"
#include "common/settings.h"

/* Of an instance, in a version of its appliance that is in the store. */
int settings_load(const struct host *host, const struct instance *inst, const char *version,
		  struct settings **out, struct err *err) _must_check_;

#endif
