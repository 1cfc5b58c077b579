/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The packages of a plan, into a cache of our own: what is there, whether there is room for
 * the rest, fetching it, and a last look before dpkg reads it. */
#ifndef PKGMGR_FETCH_H
#define PKGMGR_FETCH_H

#include "common/root.h"
#include "pkgmgr/fetch-files.h"
#include "pkgmgr/plan.h"

/* Find what is there already: complete archives get their path, and files that the
 * plan does not need are removed. Call it before fetch_check_space(). */
int fetch_prepare(const struct root *root, struct plan *plan, struct err *err) _must_check_;

/* Whether archives, unpacked files and a margin fit on the disk. *needed_bytes: how much
 * that is below /var/lib/waybill. Errors: ERR_NO_SPACE, with the figures. */
int fetch_check_space(const struct root *root, const struct plan *plan, uint64_t *needed_bytes,
		      struct err *err) _must_check_;

/* Fetch what is missing; each action then has its archive's path. *received_bytes is
 * added to. Errors: those of fetch_files(). */
int fetch_packages(const struct root *root, const struct fetch_policy *policy, struct plan *plan,
		   uint64_t *received_bytes, struct err *err) _must_check_;

/* Hash every archive again from a descriptor of our own, as the last step before
 * dpkg. Errors: ERR_SIGNATURE. */
int fetch_rehash(const struct plan *plan, struct err *err) _must_check_;

/* Empty ARCHIVES_DIR after a plan is carried out; packages may be kept for neighbours. */
int fetch_clean(const struct root *root, const struct fetch_policy *policy,
		const struct plan *plan, struct err *err) _must_check_;

#endif
