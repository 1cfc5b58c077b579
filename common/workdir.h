/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A private temporary directory that goes when the program is done with it. */
#ifndef WAYBILL_WORKDIR_H
#define WAYBILL_WORKDIR_H

#include "common/err.h"
#include "common/util.h"

struct workdir {
	char *path;	/* absolute; letters, digits and "/._+-" only */
};

/* Make one in $TMPDIR, or in /var/tmp: /tmp is memory on many machines, and an image
 * does not fit there. Errors: ERR_USAGE (an odd TMPDIR), ERR_SYSTEM. */
int workdir_new(struct workdir **out, struct err *err) _must_check_;
/* Remove it with all that is in it. */
void workdir_free(struct workdir *dir);
DEFINE_FREEP(struct workdir, workdir_free)

/* "<path>/<name>", to be freed. */
char *workdir_file(const struct workdir *dir, const char *name);

#endif
