/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One instance as `list` and `show` tell of it. */
#ifndef WAYBILL_VIEW_H
#define WAYBILL_VIEW_H

#include <json-c/json.h>

#include "appliance/domain.h"
#include "appliance/host.h"
#include "appliance/instance.h"
#include "appliance/settings.h"

struct view {
	struct instance *inst;
	struct settings *settings; /* of the version that runs, else that is wanted; or NULL */
	const char *state;	   /* a domain state's name, or "unknown" */
	int64_t uptime_seconds;	   /* -1: not running */
	char *ports;		   /* "8080:80 5353:53/udp", may be empty */
	struct bad_version **bad;  /* of its appliance, the newest first */
	size_t bad_count;
};

/* hv NULL: the state is unknown. */
int view_load(struct host *host, struct hypervisor *hv, const char *name, struct view **out,
	      struct err *err) _must_check_;
void view_free(struct view *view);
DEFINE_FREEP(struct view, view_free)

/* The object that docs/spec/gate.md and appliance(1) describe. */
struct json_object *view_to_json(const struct view *view);

/* "3d 4h", "12m 5s", "-" for -1. Free it. */
char *uptime_format(int64_t seconds);

#endif
