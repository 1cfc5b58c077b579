/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an operator should know of an instance, in a sentence: from the object that
 * `appliance list --json` prints and a report carries. Format: docs/spec/gate.md */
#ifndef WAYBILL_INSTANCE_WORDS_H
#define WAYBILL_INSTANCE_WORDS_H

#include <json-c/json_types.h>

/* "askom 1.4.0 is installed, 1.3.0 runs: 1.4.0 was rolled back at 2026-11-21T04:10:12Z:
 * http:80/: connection refused", or NULL if all is as it should be. `installed`, dpkg's
 * version, is told only where the object has it. Untrusted text stays as it is. Free it. */
char *instance_words(struct json_object *instance);

/* The entry of bad_versions for `version`, borrowed, or NULL. */
struct json_object *instance_bad_version(struct json_object *instance, const char *version);

#endif
