/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/base.h"

#include "common/hash.h"
#include "imagepkg/qcow2.h"

int base_make(const char *from, bool from_qcow2, const char *base_path,
	      struct appliance_conf *conf, struct err *err)
{
	struct qcow2_info info;
	if (qcow2_convert(from, from_qcow2, base_path, err) != 0 ||
	    qcow2_read_header(base_path, &info, err) != 0 || qcow2_check(base_path, err) != 0)
		return err_prefix(err, "make the base");
	conf->disk_bytes = info.virtual_bytes;
	return sha256_file(base_path, conf->base_sha256, NULL, err);
}
