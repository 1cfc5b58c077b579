/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/settings.h"

#include "appliance/base-store.h"
#include "common/atomic-file.h"

enum { MAX_PARAMS_BYTES = 64 * 1024 };

int settings_load(const struct host *host, const struct instance *inst, const char *version,
		  struct settings **out, struct err *err)
{
	*out = NULL;
	_cleanup_free_ char *path =
		version_path(&host->root, inst->appliance, version, CONF_FILE);
	_cleanup_free_ char *params = root_path(&host->root, PARAMS_DIR "/%s", inst->appliance);
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (appliance_conf_read_file(path, &conf, err) < 0)
		return -1;
	if (file_exists(params) &&
	    file_read(params, MAX_PARAMS_BYTES, &text, &len, err) < 0)
		return -1;
	_cleanup_(settings_freep) struct settings *settings = NULL;
	if (settings_merge(steal(&conf), text, len, params, &settings, err) < 0 ||
	    (inst->ports && settings_set_ports(settings, inst->ports, err) < 0))
		return -1;
	if (!str_eq(inst->name, inst->appliance))
		settings_drop_screen_agent(settings);
	*out = steal(&settings);
	return 0;
}
