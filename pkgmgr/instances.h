/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The site's VMs, through the program `appliance`: components never include each
 * other. A site without it has packages and no VMs. */
#ifndef PKGMGR_INSTANCES_H
#define PKGMGR_INSTANCES_H

#include <json-c/json_types.h>
#include <stdbool.h>

#include "common/root.h"

/* `appliance converge --all`, which waits until all checks have passed or a version was
 * given up; success if there is no such program. *reverted: one had to be rolled back.
 * Errors: ERR_PROGRAM. */
int instances_converge(const struct root *root, bool *reverted, struct err *err) _must_check_;

/* What `appliance list --json` says, as an array of objects with name,
 * wanted_version, running_version, state, note and the rest of docs/spec/gate.md; empty
 * if it says nothing. The
 * caller owns it. Never fails: a report without VMs is better than none. */
struct json_object *instances_list(const struct root *root);

struct plan;
/* Add dpkg's version of its package to each instance that has one in the plan. committed:
 * the plan has been carried out. */
void instances_add_installed(struct json_object *instances, const struct plan *plan,
			     bool committed);

/* A member's text, borrowed, or NULL. */
const char *instance_text(struct json_object *instance, const char *member);

#endif
