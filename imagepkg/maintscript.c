/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/maintscript.h"

#include "common/atomic-file.h"
#include "common/util.h"

const char *const maintscript_names[MAINTSCRIPT_COUNT] = { "preinst", "postinst", "prerm",
							   "postrm" };

int maintscript_read(const char *name, char **text, size_t *len, struct err *err)
{
	const char *env = getenv("WAYBILL_DATADIR");
	_cleanup_free_ char *path = xasprintf("%s/maintscripts/%s",
					      env && *env ? env : WAYBILL_DATADIR, name);
	return file_read(path, MAINTSCRIPT_MAX_BYTES, text, len, err);
}
