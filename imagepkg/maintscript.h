/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The four maintainer scripts that every image package carries, from our data
 * directory ($WAYBILL_DATADIR when run from the build tree). */
#ifndef WAYBILL_MAINTSCRIPT_H
#define WAYBILL_MAINTSCRIPT_H

#include <stddef.h>

#include "common/err.h"

#define MAINTSCRIPT_COUNT 4
#define MAINTSCRIPT_MAX_BYTES (64 * 1024)
extern const char *const maintscript_names[MAINTSCRIPT_COUNT];

/* The text of one of them; *text is owned by the caller. */
int maintscript_read(const char *name, char **text, size_t *len, struct err *err) _must_check_;

#endif
