/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a recipe to a package: bootstrap, disk, base, .deb. */
#ifndef WAYBILL_BUILD_H
#define WAYBILL_BUILD_H

#include "common/err.h"
#include "imagepkg/recipe.h"

/* Build the recipe and write its package into out_dir; *path (to be freed) is its name.
 * Leaves nothing behind when it fails. */
int build_package(struct recipe *recipe, const char *out_dir, char **path,
		  struct err *err) _must_check_;

#endif
