/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Indexes that an interrupted update has left apart from their Release file. */
#ifndef PKGMGR_APT_INDEXES_H
#define PKGMGR_APT_INDEXES_H

/* Remove each Release file that has an index beside it with another hash than it says, so
 * that the update which follows fetches both. The lock on apt's lists is held. */
void indexes_forget_torn();

#endif
