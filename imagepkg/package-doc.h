/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The texts of an image package: description, copyright, changelog, overrides. */
#ifndef WAYBILL_PACKAGE_DOC_H
#define WAYBILL_PACKAGE_DOC_H

#include <stdint.h>

#include "common/strbuf.h"
#include "imagepkg/package.h"

/* The value of Description: what the recipe says and a paragraph of ours. */
void package_description(const struct package *package, struct strbuf *out);

void package_copyright(const char *name, struct strbuf *out);

/* What lintian must be told about image packages, with the reasons. */
void package_lintian_overrides(const struct package *package, struct strbuf *out);

/* "changelog.Debian.gz", or "changelog.gz" when the version has no Debian revision.
 * Static.  Source: Debian policy 12.7 */
const char *package_changelog_name(const char *version);

/* A changelog of one entry, as `gzip -9n` would make it. */
int package_changelog_gz(const struct package *package, int64_t date, struct strbuf *out,
			 struct err *err) _must_check_;

#endif
