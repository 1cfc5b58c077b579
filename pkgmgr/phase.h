/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Phased-Update-Percentage: which sites a version is for so far.
 * Source: docs/spec/site-list.md, "Phased versions" */
#ifndef PKGMGR_PHASE_H
#define PKGMGR_PHASE_H

/* This site's place among a hundred, [0, 100), for one version of a source package: the same
 * each time, another one for another version. A version that is out for N % is for those
 * below N. */
unsigned phase_place(const char *site, const char *source, const char *version);

#endif
