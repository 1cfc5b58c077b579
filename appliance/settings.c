/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/settings.h"

#include "appliance/base-store.h"
#include "common/atomic-file.h"

enum { MAX_PARAMS_BYTES = 64 * 1024 };

int settings_load(const struct host *host, const char *appliance, const char *version,
		  struct settings **out, struct err *err)
{
	*out = NULL;
	_cleanup_free_ char *path =
		version_path(&host->root, appliance, version, CONF_FILE);
	_cleanup_free_ char *params = root_path(&host->root, PARAMS_DIR "/%s", appliance);
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (appliance_conf_read_file(path, &conf, err) < 0)
		return -1;
	if (file_exists(params) &&
	    file_read(params, MAX_PARAMS_BYTES, &text, &len, err) < 0)
		return -1;
	return settings_merge(steal(&conf), text, len, params, out, err);
}
