/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an instance is made from: its version's appliance.conf, with what the site's
 * params/<appliance> (or a boot test) sets on top. */
#ifndef WAYBILL_COMMON_SETTINGS_H
#define WAYBILL_COMMON_SETTINGS_H

#include "common/appliance-conf.h"
#include "common/hash.h"

struct setting {
	char *name;
	char *value;
	bool secret;
};

/* With Graphics: vnc: who the agent is that the host runs in front of the screen. */
enum screen_param {
	SCREEN_MACHINE,
	SCREEN_PROXY,
	SCREEN_IDENTITY,  /* a PEM file, in base64 */
	SCREEN_PROXY_PIN, /* the only one that there need not be */
	SCREEN_PARAMS,
};
extern const char *const screen_param_names[SCREEN_PARAMS]; /* "MACHINE" ... */

struct settings {
	struct appliance_conf *conf; /* Ports, Memory and Vcpus are the site's, if it set them */
	struct setting *params;	     /* those with a value, in the order of the conf */
	size_t param_count;
	/* NULL or with a value. They are the host's: the guest does not get them, and without
	 * Graphics: vnc they are parameters like others. */
	char *screen[SCREEN_PARAMS];
	/* Of all that a running domain depends on: another digest, another domain. */
	char digest[SHA256_HEX_LEN + 1];
};

/* Put a params file (deb822) on top of `conf`, which is taken over.
 * params_text NULL: the site has none. Errors: ERR_INPUT (a name that the appliance does
 * not declare, a value that fits no line), ERR_TOO_LARGE. Source: docs/spec/site-list.md */
int settings_merge(struct appliance_conf *conf, const char *params_text, size_t len,
		   const char *origin, struct settings **out, struct err *err) _must_check_;

/* Ports that one instance has instead of these; the digest follows. Errors: ERR_INPUT. */
int settings_set_ports(struct settings *settings, const char *ports, struct err *err) _must_check_;

/* Whether the host runs an agent in front of the screen: all that one needs is set. */
bool settings_has_screen_agent(const struct settings *settings);

/* There is one machine behind an identity; this instance is another one. */
void settings_drop_screen_agent(struct settings *settings);

void settings_free(struct settings *settings);
DEFINE_FREEP(struct settings, settings_free)

#endif
