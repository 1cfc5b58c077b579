/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A .deb as `imagepkg verify` reads it: structure, control file, data.tar. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/deb.h"
#include "imagepkg/tar-scan.h"

static int on_tar_bytes(const void *data, size_t len, void *arg, struct err *err)
{
	return tar_scan_feed(arg, data, len, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tar_scan_handler handler = { NULL };
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_(deb_freep) struct deb *deb = NULL;
	_cleanup_(tar_scan_freep) struct tar_scan *scan = tar_scan_new(&handler);
	_cleanup_close_ int fd = memfd_create("deb", MFD_CLOEXEC);
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	if (deb_open(path, &deb, &err) == 0 && deb_data_read(deb, on_tar_bytes, scan, &err) == 0)
		(void)!tar_scan_finish(scan, &err);
	return 0;
}
