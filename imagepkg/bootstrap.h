/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a recipe to the tar of a root file system, by mmdebstrap. */
#ifndef WAYBILL_BOOTSTRAP_H
#define WAYBILL_BOOTSTRAP_H

#include "common/err.h"
#include "imagepkg/recipe.h"
#include "common/workdir.h"

/* Where the recipe's Script lies in the new system while it runs; never on the disk. */
#define BOOTSTRAP_SCRIPT "waybill-recipe-script"

/* Make *tar (to be freed), a tar below `work` of the recipe's whole new system.
 * Errors: ERR_NOT_FOUND (a file of the recipe, no archive), ERR_PROGRAM. */
int bootstrap_run(const struct recipe *recipe, const struct workdir *work, char **tar,
		  struct err *err) _must_check_;

#endif
