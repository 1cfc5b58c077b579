/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a site's state lies: all of it is below one root directory. */
#ifndef WAYBILL_ROOT_H
#define WAYBILL_ROOT_H

#include <stdbool.h>

#include "common/err.h"

struct root {
	char *dir;	/* absolute, real path, "/" for the host itself */
	char *id;	/* "" for "/", else 8 hex digits that depend on dir alone */
};

/* Resolve `dir` (NULL or "": "/"). The directory must exist. */
int root_init(struct root *root, const char *dir, struct err *err) _must_check_;
void root_destroy(struct root *root);

/* "<root>/<formatted path>", without doubled slashes; free the result. */
char *root_path(const struct root *root, const char *fmt, ...) _printf_(2, 3);

bool root_is_host(const struct root *root);

/* The libvirt domain of an instance: "waybill-<name>" for "/", else
 * "waybill-<id>-<name>", since one libvirtd serves all roots. Free it. */
char *root_domain_name(const struct root *root, const char *instance);

#endif
