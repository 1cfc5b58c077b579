/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An image package opened for reading: the .deb and its appliance.conf. */
#ifndef WAYBILL_IMAGE_DEB_H
#define WAYBILL_IMAGE_DEB_H

#include "common/appliance-conf.h"
#include "common/deb.h"
#include "common/err.h"

struct image_deb {
	struct deb *deb;
	char *conf_text;		/* appliance.conf, as in the package */
	struct deb822 *conf_fields;	/* one stanza */
	struct appliance_conf *conf;
};

/* Open a .deb and read its appliance.conf, which lies at the start of data.tar.
 * Errors: those of deb_open(); ERR_INPUT if it is no image package. */
int image_deb_open(const char *path, struct image_deb **out, struct err *err) _must_check_;
void image_deb_free(struct image_deb *image);
DEFINE_FREEP(struct image_deb, image_deb_free)

/* Path in data.tar of one of the package's image files; free it. */
char *image_deb_file(const struct image_deb *image, const char *file);

#endif
