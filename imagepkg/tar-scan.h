/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A strict reader of the tar inside an image package, fed piece by piece. It takes
 * what we write and what dpkg unpacks: directories, regular files and GNU long names;
 * no sparse, pax, link or device entries, no path that leaves the root. */
#ifndef WAYBILL_TAR_SCAN_H
#define WAYBILL_TAR_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/util.h"

struct tar_scan_entry {
	char *path;	/* without "./" and without a slash at the end; "" is the root */
	bool is_dir;
	uint32_t mode;
	uint64_t size_bytes;
};

/* Each returns -1 with err set to stop, or is NULL. begin; data, pieces in order; end. */
struct tar_scan_handler {
	int (*begin)(const struct tar_scan_entry *entry, void *arg, struct err *err);
	int (*data)(const void *data, size_t len, void *arg, struct err *err);
	int (*end)(void *arg, struct err *err);
	void *arg;
};

struct tar_scan;

/* handler is borrowed. */
struct tar_scan *tar_scan_new(const struct tar_scan_handler *handler);
void tar_scan_free(struct tar_scan *scan);
DEFINE_FREEP(struct tar_scan, tar_scan_free)

/* The next bytes of the tar. Errors: ERR_INPUT and what a handler reports. */
int tar_scan_feed(struct tar_scan *scan, const void *data, size_t len,
		  struct err *err) _must_check_;
/* No more bytes: ERR_INPUT if the archive's end was not there. */
int tar_scan_finish(const struct tar_scan *scan, struct err *err) _must_check_;

#endif
