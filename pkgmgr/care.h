/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A site looks after its host: room on the disk, and what the operator should know of it.
 * Source: docs/spec/self-care.md */
#ifndef PKGMGR_CARE_H
#define PKGMGR_CARE_H

#include "common/site-list.h"
#include "pkgmgr/pkgmgr.h"
#include "pkgmgr/plan.h"

/* Have `appliance gc` drop bases that nothing uses until free_bytes are free below
 * /var/lib/waybill. Success if there is no such program, or not enough to drop: look at
 * what is free afterwards. Errors: ERR_PROGRAM. */
int care_make_room(const struct root *root, uint64_t free_bytes, struct err *err) _must_check_;

/* The plan is about to be carried out: write /run/reboot-required if only a reboot will
 * put all of it into effect. Before dpkg, since nobody knows it after a death in between. */
int care_before_commit(const struct root *root, const struct plan *plan, struct err *err)
	_must_check_;

/* Where less than Min-Free is left, drop bases. What fails is a warning only: the words
 * below stand until it is mended. */
void care_keep_room(const struct pkgmgr *m, const struct site_list *list);

/* A sentence for each thing of the host that is not as it should be: a reboot that is
 * needed, and a disk that fills up. Never fails: what cannot be found out is one, too. */
void care_words(const struct pkgmgr *m, const struct site_list *list, struct strv *words);

#endif
