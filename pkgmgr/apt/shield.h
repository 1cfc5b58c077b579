/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between C++ and C: libapt-pkg's error stack into struct err, and no exception out. */
#ifndef PKGMGR_APT_SHIELD_H
#define PKGMGR_APT_SHIELD_H

#include <exception>
#include <string>

extern "C" {
#include "common/err.h"
}

/* What libapt-pkg has said, oldest first, joined by "; ", and forgotten. Notices and
 * warnings count only if there was no error. */
std::string apt_said();

/* err_set() with "what: <what libapt-pkg said>". Returns -1. */
int apt_fail(struct err *err, enum err_code code, const std::string &what);

/* Run `body`; what it throws becomes an error. */
template <typename Body> int shielded(struct err *err, Body body)
{
	try {
		return body();
	} catch (const std::exception &e) {
		return err_set(err, ERR_SYSTEM, "libapt-pkg: %s", e.what());
	} catch (...) {
		return err_set(err, ERR_SYSTEM, "libapt-pkg threw an unknown exception");
	}
}

#endif
