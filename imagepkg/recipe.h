/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The recipe that `imagepkg build` reads. Format: docs/spec/recipe.md */
#ifndef WAYBILL_RECIPE_H
#define WAYBILL_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/appliance-conf.h"
#include "common/err.h"
#include "common/strv.h"
#include "common/util.h"

#define RECIPE_MAX_BYTES (256 * 1024)

struct recipe_file {
	char *source;		/* below the recipe's directory or absolute */
	char *destination;	/* absolute, without "." and ".." */
	mode_t mode;
};

/* How the kernel goes into the package: as it is, its ELF image, or that without BTF. */
enum kernel_form { KERNEL_AS_IS, KERNEL_PLAIN, KERNEL_SMALL };

struct recipe {
	char *maintainer;
	char *description;
	char *suite;
	char *mirror;		/* or NULL: the build host's */
	struct strv packages;
	struct recipe_file *files;
	size_t file_count;
	char *script;		/* path, or NULL */
	char *tree;		/* "" for /, else without slashes at the ends */
	enum kernel_form kernel;
	struct appliance_conf *conf;	/* all but base_sha256; disk_bytes as asked for */
};

/* Parse the text of a recipe; `dir` is what its relative paths are relative to,
 * `origin` names it in messages. Whether the files exist is not looked at.
 * Errors: ERR_INPUT, ERR_TOO_LARGE.  Source: docs/spec/recipe.md */
int recipe_parse(const char *text, size_t len, const char *dir, const char *origin,
		 struct recipe **out, struct err *err) _must_check_;
/* Read a recipe file, or the file "recipe" in a directory. */
int recipe_read(const char *path, struct recipe **out, struct err *err) _must_check_;
void recipe_free(struct recipe *recipe);
DEFINE_FREEP(struct recipe, recipe_free)

#endif
