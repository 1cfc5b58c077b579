/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packages that travel on the stick: a part of the operator's repository, signatures and
 * all, on a FAT file system of its own. */
#ifndef WAYBILL_STICK_PACKAGES_H
#define WAYBILL_STICK_PACKAGES_H

#include <stdint.h>

#include "common/deb822.h"
#include "common/err.h"
#include "common/strv.h"

#define STICK_PACKAGES_LABEL "WAYBILLPKG"

struct stick_packages {
	const char *public_dir;	/* of imagerepo: dists/ and pool/ */
	const char *suite;
	const struct strv *names; /* of packages; the newest version of each is taken */
};

/* Put them into the directory `tree`, which is made: dists/<suite>, the packages, and a file
 * `first-sync` with a line "SHA256 PATH" for each package that is no part of the installation, but
 * of what the site installs then. Each package has the hash that Packages says. *total_bytes is
 * increased.
 * Errors: ERR_NOT_FOUND (a name that the suite has not), ERR_INPUT (another hash). */
int stick_packages_collect(const struct stick_packages *packages, const char *tree,
			   uint64_t *total_bytes, struct err *err) _must_check_;

/* Where the newest version of a package lies, "pool/...", and its hash, as Packages says; both are
 * borrowed. Errors: ERR_NOT_FOUND, ERR_INPUT (no hash, a path that leads elsewhere). */
int stick_packages_find(const struct deb822 *index, const char *name, const char **path,
			const char **sha256, struct err *err) _must_check_;

/* Make the image of a file system with all that is in `tree`, which has total_bytes, at the path
 * `image`. Errors: ERR_PROGRAM (mtools). */
int stick_packages_image(const char *tree, uint64_t total_bytes, const char *image,
			 struct err *err) _must_check_;

#endif
