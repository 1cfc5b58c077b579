/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A delta: its table of contents as text ('m' first), or the whole container. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/delta-apply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_(delta_freep) struct delta *delta = NULL;
	_cleanup_(delta_meta_freep) struct delta_meta *meta = NULL;
	if (size > 0 && data[0] == 'm') {
		(void)!delta_meta_parse((const char *)data + 1, size - 1, &meta, &err);
		return 0;
	}
	_cleanup_close_ int fd = memfd_create("delta", MFD_CLOEXEC);
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);
	if (fd >= 0 && write(fd, data, size) == (ssize_t)size)
		(void)!delta_open(path, &delta, &err);
	return 0;
}
