/* SPDX-License-Identifier: GPL-3.0-or-later */
/* apt's sources of a private root: apt takes Signed-By as a path on the host, so
 * a copy is made that names the key below the root. */
#ifndef PKGMGR_APT_SOURCES_H
#define PKGMGR_APT_SOURCES_H

#include "common/err.h"
#include "common/root.h"

/* Copy <root>/etc/apt/sources.list.d/ *.sources and *.list into a directory of our
 * own below the root, absolute Signed-By paths prefixed with the root unless they
 * lie below it already. *dir: that directory, free it. */
int sources_prepare(const struct root *root, char **dir, struct err *err) _must_check_;

#endif
