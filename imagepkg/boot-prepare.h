/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a boot test: what a site makes of an image package, in a directory that is
 * thrown away. */
#ifndef WAYBILL_BOOT_PREPARE_H
#define WAYBILL_BOOT_PREPARE_H

#include "common/hash.h"
#include "common/settings.h"
#include "common/strv.h"
#include "imagepkg/image-deb.h"
#include "common/workdir.h"

struct boot_files {
	struct image_deb *image;	/* its conf has moved into settings */
	char deb_sha256[SHA256_HEX_LEN + 1];
	/* A network through this host only: Network is user or none, and Ports has a forward for
	 * each port that a check needs. */
	struct settings *settings;
	struct workdir *work;
	char *kernel, *initrd;		/* or NULL */
	char *uefi_code;		/* or NULL */
};

/* params: "NAME=VALUE" each, in the place of what a site would set. Parameters without a
 * value: a secret one is made up, another stays unset.
 * Errors: those of image_deb_open(); ERR_USAGE (params); ERR_INPUT (a disk that QEMU must
 * not be given); ERR_REFUSED (this host cannot boot it). */
int boot_files_make(const char *deb_path, const struct strv *params, struct boot_files **out,
		    struct err *err) _must_check_;
void boot_files_free(struct boot_files *files);
DEFINE_FREEP(struct boot_files, boot_files_free)

/* The text of a params file from NAME=VALUE, with the secrets made up; for tests. */
int boot_params_text(const struct appliance_conf *conf, const struct strv *params,
		     struct strbuf *out, struct err *err) _must_check_;

/* Change a conf's network into one that needs nothing of this host. */
void boot_network(struct appliance_conf *conf);

#endif
