/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which block device may be overwritten with a stick's image. */
#ifndef WAYBILL_DEVICE_H
#define WAYBILL_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct device {
	char *path;		/* as it was given */
	char *name;		/* vendor and model, or the kernel's name */
	bool partition;
	bool removable;		/* its medium can be taken out: a stick, a card */
	bool read_only;
	uint64_t size_bytes;
};

/* Learn about the device `number` from a sysfs that is mounted at `sysfs` ("/sys").
 * Errors: ERR_INPUT (no such block device there). */
int device_probe(const char *sysfs, dev_t number, const char *path, struct device *out,
		 struct err *err) _must_check_;
void device_destroy(struct device *device);

/* Whether an image of that size may go there. `force` allows what does not call itself
 * removable (many USB disks do not), and nothing else: that a disk is in use is found out by
 * opening it exclusively.
 * Errors: ERR_REFUSED, with what to do instead. */
int device_check(const struct device *device, uint64_t image_bytes, bool force,
		 struct err *err) _must_check_;

#endif
