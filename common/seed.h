/* SPDX-License-Identifier: GPL-3.0-or-later */
/* seed.iso: what a guest is told about itself and its site, as cloud-init's NoCloud
 * source and as a file that a shell can read. Source: docs/spec/appliance-conf.md */
#ifndef WAYBILL_SEED_H
#define WAYBILL_SEED_H

#include "common/settings.h"
#include "common/strbuf.h"

/* Write the image to `path`, atomically, mode 0600.
 * name: the instance; also the guest's host name. */
int seed_write(const char *path, const char *name, const struct settings *settings,
	       struct err *err) _must_check_;

/* The file `params`: NAME='value' a line, a single quote as '\''. */
void seed_format_params(const struct settings *settings, struct strbuf *out);

/* The file `user-data`: cloud-config that puts the parameters in /etc/waybill/params. */
void seed_format_user_data(const struct settings *settings, struct strbuf *out);

#endif
