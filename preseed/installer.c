/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/installer.h"

#include <fcntl.h>

#include "common/deb.h"
#include "common/host-sources.h"
#include "common/log.h"
#include "preseed/apt-root.h"

#define INSIDE "usr/lib/debian-installer/images/13/amd64/text/debian-installer/amd64"

/* "deb URI SUITE main" -> with the key that it must be signed by. The installer is in the
 * release itself, not in its updates. */
static int make_sources(const char *mirror, struct strv *out, struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	if (sources_list(INSTALLER_SUITE, mirror, &lines, err) < 0)
		return -1;
	for (size_t i = 0; i < lines.count; i++)
		if (str_ends(lines.items[i], " " INSTALLER_SUITE " main"))
			strv_addf(out, "deb [signed-by=" DEBIAN_KEYRING "] %s",
				  lines.items[i] + strlen("deb "));
	return 0;
}

static int extract(const struct deb *deb, const char *name, const char *to, struct err *err)
{
	_cleanup_free_ char *inside = xasprintf(INSIDE "/%s", name);
	_cleanup_free_ char *path = xasprintf("%s/%s", to, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, "cannot create %s", path);
	return deb_data_extract(deb, inside, fd, err);
}

int installer_get(const char *cache, const char *mirror, const char *to, struct err *err)
{
	_cleanup_strv_ struct strv sources = STRV_INIT;
	_cleanup_(apt_root_freep) struct apt_root *apt = NULL;
	_cleanup_(deb_freep) struct deb *deb = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_err_ struct err update = ERR_INIT;
	if (make_sources(mirror, &sources, err) < 0 ||
	    apt_root_open(cache, &sources, &apt, err) < 0)
		return -1;
	if (apt_root_update(apt, &update) < 0)
		log_warn("the mirror has nothing new: %s", update.msg);
	if (apt_root_get(apt, INSTALLER_PACKAGE, &path, err) < 0)
		return err_prefix(err, "cannot get Debian's installer from %s",
				  sources.count ? sources.items[0] : "nowhere");
	log_debug("installer: %s", path);
	return deb_open(path, &deb, err) < 0 || extract(deb, "linux", to, err) < 0 ||
			       extract(deb, "initrd.gz", to, err) < 0
		       ? err_prefix(err, "%s", INSTALLER_PACKAGE)
		       : 0;
}
