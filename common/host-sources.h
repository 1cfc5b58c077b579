/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a build gets its packages: by default from where the build host gets its own. */
#ifndef WAYBILL_HOST_SOURCES_H
#define WAYBILL_HOST_SOURCES_H

#include "common/err.h"
#include "common/strv.h"

/* Lines of sources.list for `suite` from `listing`, what sources_list() asks apt-get
 * for: one line "RELEASE\tREPO-URI\tCOMPONENT\tORIGIN" for each index. Only Debian's
 * main archive, its updates and its security updates count; the host's suite is
 * replaced by `suite`. ERR_NOT_FOUND if there is none. */
int sources_from_listing(const char *listing, const char *suite, struct strv *lines,
			 struct err *err) _must_check_;

/* The same from the build host's apt, or one line for `mirror` if that is not NULL. */
int sources_list(const char *suite, const char *mirror, struct strv *lines,
		 struct err *err) _must_check_;

#endif
