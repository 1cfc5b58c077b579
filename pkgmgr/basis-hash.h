/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The installed files that a delta will start from are hashed while it is still on the line. */
#ifndef PKGMGR_BASIS_HASH_H
#define PKGMGR_BASIS_HASH_H

#include <pthread.h>

#include "common/delta-apply.h"

struct basis_hash {
	char *dir;			/* NULL: it was not started */
	pthread_t thread;
	struct delta_known known[3];	/* base, kernel, initrd; those that there are */
	size_t count;
};
#define BASIS_HASH_INIT { .dir = NULL }

/* Begin with the files in `dir`. Nothing fails: what is not hashed here is hashed later. */
void basis_hash_start(struct basis_hash *hash, const char *dir);
/* Wait for it; `known` and `count` can be read then. */
void basis_hash_wait(struct basis_hash *hash);

#endif
