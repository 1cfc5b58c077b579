/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a disk and a description of its VM to an image package. */
#ifndef WAYBILL_PACKAGE_H
#define WAYBILL_PACKAGE_H

#include "common/appliance-conf.h"
#include "common/err.h"

#define PACKAGE_DEFAULT_MAINTAINER "Waybill operator <operator@waybill.invalid>"

struct package {
	const struct appliance_conf *conf;	/* base_sha256 and disk_bytes filled in */
	const char *disk_path;		/* qcow2 with uncompressed clusters */
	const char *kernel_path;	/* conf->boot == BOOT_KERNEL, else NULL */
	const char *initrd_path;	/* or NULL */
	const char *maintainer;		/* "Name <address>" */
	const char *description;	/* synopsis, then lines of text; lines by '\n' */
	const char *out_dir;
	const char *tmp_dir;		/* room for the compressed data */
};

/* ERR_USAGE unless `dir` is a directory that can be written: asked before the work. */
int output_dir_check(const char *dir, struct err *err) _must_check_;

/* Write <out_dir>/<name>_<version>_<arch>.deb; *path receives its name, to be freed.
 * The bytes depend on the inputs and SOURCE_DATE_EPOCH alone.
 * Errors: ERR_TOO_LARGE, ERR_NO_SPACE, ERR_SYSTEM.  Source: docs/spec/image-package.md */
int package_write(const struct package *package, char **path, struct err *err) _must_check_;

#endif
