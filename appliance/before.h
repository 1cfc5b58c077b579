/* SPDX-License-Identifier: GPL-3.0-or-later */
/* instances/<unit>/before/: the disks of the version before, while a newer one is on trial.
 * The data disk is then an overlay on before/data.qcow2, so that both states are whole:
 * going back is one rename, and going on is a merge that can wait. */
#ifndef WAYBILL_BEFORE_H
#define WAYBILL_BEFORE_H

#include <stdbool.h>

#include "appliance/host.h"

#define BEFORE_DIR "before"

enum before_state {
	BEFORE_NONE,
	BEFORE_PLAIN,   /* there, and the data disk stands on its own */
	BEFORE_CHAINED, /* the data disk is an overlay on the one in it */
};
enum before_state before_look(const struct root *root, const char *unit);

/* Path of `file` in it; free the result. */
char *before_path(const struct root *root, const char *unit, const char *file);

/* Move the unit's system disk, kernel and console log there, and put an overlay on its data
 * disk. The domain is off. May be repeated. */
int before_make(const struct host *host, const char *unit, struct err *err) _must_check_;

/* Put back what is there, in the place of what came later. The domain is off. May be
 * repeated. */
int before_restore(const struct host *host, const char *unit, struct err *err) _must_check_;

/* Merge the data disk into one file and remove the directory. The domain is off. May be
 * repeated. */
int before_drop(const struct host *host, const char *unit, struct err *err) _must_check_;

/* The data disk in it has all bytes of the overlay, and the domain writes to it now: it
 * becomes the data disk. Its other name stays until before_drop(), since libvirt knows it. */
int before_adopt_data(const struct host *host, const char *unit, struct err *err) _must_check_;

#endif
