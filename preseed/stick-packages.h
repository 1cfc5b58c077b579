/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packages that travel on the stick: a part of the operator's repository, signatures and
 * all, on a FAT file system of its own. */
#ifndef WAYBILL_STICK_PACKAGES_H
#define WAYBILL_STICK_PACKAGES_H

#include "common/err.h"
#include "common/strv.h"
#include "common/workdir.h"

#define STICK_PACKAGES_LABEL "WAYBILLPKG"

struct stick_packages {
	const char *public_dir;	/* of imagerepo: dists/ and pool/ */
	const char *suite;
	const struct strv *names; /* of packages; the newest version of each is taken */
};

/* Make the image of the file system below `work`; *image is its path, to be freed. Beside
 * dists/<suite> and the packages it has a file `first-sync` with a line "SHA256 PATH" for each
 * package that is no part of the installation, but of what the site installs then.
 * Each package has the hash that Packages says.
 * Errors: ERR_NOT_FOUND (a name that the suite has not), ERR_INPUT (another hash),
 * ERR_PROGRAM (mtools). */
int stick_packages_make(const struct stick_packages *packages, const struct workdir *work,
			char **image, struct err *err) _must_check_;

#endif
