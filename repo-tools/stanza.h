/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a .deb to its place in the pool and its stanza in Packages. */
#ifndef WAYBILL_STANZA_H
#define WAYBILL_STANZA_H

#include "common/deb.h"
#include "common/err.h"
#include "repo-tools/index.h"

/* Fill *out (destroy it) from an open .deb whose bytes have this SHA-256. Refuses a
 * control file without what a Packages stanza needs, with a name, version or
 * architecture that is no safe part of a path, or with a field that only a
 * repository may write (Filename, Size, SHA256, Image-Control-SHA256 ...).
 * Errors: ERR_INPUT. */
int stanza_from_deb(const struct deb *deb, const char *sha256, struct index_package *out,
		    struct err *err) _must_check_;

/* Whether the Image-* fields tell the truth about data.tar and the base in it;
 * reads all of data.tar. A package with none of them passes.
 * Errors: ERR_INPUT. Source: docs/spec/image-package.md */
int stanza_check_image(const struct deb *deb, struct err *err) _must_check_;

/* pool/main/<l>/<name>/<name>_<version>_<arch>.deb, the epoch left out as in Debian;
 * free it. */
char *stanza_pool_path(const char *name, const char *version, const char *architecture);

#endif
