/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/appliance-conf-parts.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/hash.h"

const char *const boot_names[] = {
	[BOOT_DISK] = "disk",
	[BOOT_KERNEL] = "kernel",
	[BOOT_HOST_KERNEL] = "host-kernel",
};
const char *const firmware_names[] = {
	[FIRMWARE_BIOS] = "bios",
	[FIRMWARE_UEFI] = "uefi",
};
const char *const network_names[] = {
	[NETWORK_NONE] = "none",
	[NETWORK_USER] = "user",
	[NETWORK_NAT] = "nat",
};
const char *const graphics_names[] = {
	[GRAPHICS_NONE] = "none",
	[GRAPHICS_VNC] = "vnc",
};
const char *const upgrade_names[] = {
	[UPGRADE_REPLACE] = "replace",
	[UPGRADE_PARALLEL] = "parallel",
};
const char *const health_names[] = {
	[HEALTH_AGENT] = "agent", [HEALTH_SYSTEMD] = "systemd", [HEALTH_TCP] = "tcp",
	[HEALTH_HTTP] = "http",   [HEALTH_EXEC] = "exec",
};

const char *boot_mode_name(enum boot_mode mode)
{
	return boot_names[mode];
}
const char *network_mode_name(enum network_mode mode)
{
	return network_names[mode];
}
const char *health_kind_name(enum health_kind kind)
{
	return health_names[kind];
}

struct appliance_conf *appliance_conf_new(void)
{
	struct appliance_conf *conf = xcalloc(1, sizeof(*conf));
	conf->memory_bytes = 256 * MIB;
	conf->vcpus = 1;
	conf->network = NETWORK_USER;
	conf->autostart = true;
	return conf;
}

void appliance_conf_free(struct appliance_conf *conf)
{
	if (!conf)
		return;
	free(conf->appliance);
	free(conf->version);
	free(conf->architecture);
	free(conf->kernel_args);
	free(conf->ports);
	strv_destroy(&conf->start_after);
	conf_clear_health(conf);
	conf_clear_params(conf);
	free(conf);
}

static bool architecture_is_valid(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len <= 32 && islower((unsigned char)name[0]) &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static int require_valid(const struct deb822_stanza *stanza, const char *field,
			 const char *origin, bool (*is_valid)(const char *), char **out,
			 struct err *err)
{
	const char *value;
	if (deb822_require(stanza, field, origin, &value, err) < 0)
		return -1;
	if (!is_valid(value))
		return err_set(err, ERR_INPUT, "%s: %s: '%.64s' is not valid", origin,
			       field, value);
	*out = xstrdup(value);
	return 0;
}

/* The fields that only appliance.conf has. */
static int parse_identity(const struct deb822_stanza *stanza, const char *origin,
			  struct appliance_conf *conf, struct err *err)
{
	const char *format, *disk;
	if (deb822_require(stanza, "Format", origin, &format, err) < 0)
		return -1;
	if (!str_eq(format, APPLIANCE_FORMAT_LINE))
		return err_set(err, ERR_INPUT, "%s: Format: '%.64s' is not '%s'", origin,
			       format, APPLIANCE_FORMAT_LINE);
	_cleanup_free_ char *base = NULL;
	if (require_valid(stanza, "Appliance", origin, name_is_valid, &conf->appliance,
			  err) < 0 ||
	    require_valid(stanza, "Version", origin, version_is_valid, &conf->version,
			  err) < 0 ||
	    require_valid(stanza, "Architecture", origin, architecture_is_valid,
			  &conf->architecture, err) < 0 ||
	    require_valid(stanza, "Base-SHA256", origin, sha256_is_valid, &base, err) <
		    0 ||
	    deb822_require(stanza, "Disk", origin, &disk, err) < 0)
		return -1;
	memcpy(conf->base_sha256, base, sizeof(conf->base_sha256));
	if (conf_parse_size(disk, MIB, MAX_DISK_BYTES, "Disk", &conf->disk_bytes, err) < 0)
		return err_prefix(err, "%s", origin);
	return 0;
}

int appliance_conf_parse(const char *text, size_t len, const char *origin,
			 struct appliance_conf **out, struct err *err)
{
	static const char *const known[] = {
		"Format", "Appliance", "Version", "Architecture", "Base-SHA256", "Disk",
		APPLIANCE_VM_FIELDS, NULL,
	};
	*out = NULL;
	if (len > APPLIANCE_CONF_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "%s: larger than %d bytes", origin,
			       APPLIANCE_CONF_MAX_BYTES);
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (deb822_parse(text, len, 1, origin, &doc, err) < 0)
		return -1;
	if (doc->count != 1)
		return err_set(err, ERR_INPUT, "%s: holds no stanza", origin);
	const struct deb822_stanza *stanza = &doc->stanzas[0];
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf =
		appliance_conf_new();
	if (deb822_check_known(stanza, known, origin, err) < 0 ||
	    parse_identity(stanza, origin, conf, err) < 0 ||
	    appliance_conf_from_stanza(stanza, origin, conf, err) < 0)
		return -1;
	*out = steal(&conf);
	return 0;
}

int appliance_conf_read_file(const char *path, struct appliance_conf **out,
			     struct err *err)
{
	*out = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;
	if (file_read(path, APPLIANCE_CONF_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	return appliance_conf_parse(text, len, path, out, err);
}
