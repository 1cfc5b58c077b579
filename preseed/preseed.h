/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the operator's file and the bundle to the answers for debian-installer, and to the
 * seed that carries them. */
#ifndef WAYBILL_PRESEED_H
#define WAYBILL_PRESEED_H

#include "common/err.h"
#include "common/strbuf.h"
#include "preseed/bundle.h"
#include "preseed/seed-archive.h"
#include "preseed/site-conf.h"

enum preseed_kind {
	PRESEED_SITE,		/* the stick of one site: everything */
	PRESEED_GENERIC,	/* a generic stick: everything but the site's own part */
	PRESEED_PART,		/* a site's own part, for the configuration server */
};

/* Packages that the stick carries: where the installer need not ask the network. */
enum stick_holds {
	STICK_HOLDS_NOTHING,
	STICK_HOLDS_OURS,	/* of the operator's repository */
	STICK_HOLDS_ALL,	/* Debian's too */
};

/* "waybill-site ...": what the installer is told to install; to be freed. */
char *preseed_packages(const struct site_conf *conf, enum stick_holds holds);

/* Append the preseed file to *out. `conf` has been through mirrors_complete(), but for a part.
 * bundle: NULL for a part. site: NULL for a generic stick.
 * Errors: ERR_NOT_FOUND (the template is not installed), ERR_INPUT. */
int preseed_make(enum preseed_kind kind, const struct site_conf *conf,
		 const struct bundle *bundle, const char *site, enum stick_holds holds,
		 struct strbuf *out, struct err *err) _must_check_;

/* What debconf's own parser says about it. Errors: ERR_INPUT with its words, ERR_NOT_FOUND
 * (debconf-set-selections is not installed). */
int preseed_check(const char *text, size_t len, struct err *err) _must_check_;

/* Put the preseed file, the bundle and the installer's scripts into `seed`. */
int preseed_add(struct seed_archive *seed, enum preseed_kind kind, const struct strbuf *preseed,
		const struct bundle *bundle, enum stick_holds holds,
		struct err *err) _must_check_;

#endif
