/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fields that a recipe has too. */
#include <ctype.h>
#include <stdlib.h>

#include "common/appliance-conf-parts.h"
#include "common/deb822.h"

#define MIN_MEMORY_BYTES       (16 * MIB)
#define MAX_MEMORY_BYTES       (4 * MIB * MIB)
#define MAX_VCPUS              64
#define MAX_TIME_LIMIT_SECONDS (366 * 86400)
#define MAX_WATCH_SECONDS      (7 * 86400)
#define DEFAULT_WATCH_SECONDS  300

int conf_parse_word(const char *text, const char *const *names, size_t count,
		      const char *field, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(text, names[i]))
			return (int)i;
	_cleanup_strv_ struct strv all = STRV_INIT;
	for (size_t i = 0; i < count; i++)
		strv_add(&all, names[i]);
	_cleanup_free_ char *list = strv_join(&all, ", ");
	return err_set(err, ERR_INPUT, "%s: '%.64s' is not one of %s", field, text, list);
}

int conf_parse_size(const char *text, uint64_t min, uint64_t max, const char *field,
		      uint64_t *bytes, struct err *err)
{
	if (size_parse(text, bytes, field, err) < 0)
		return -1;
	if (*bytes >= min && *bytes <= max)
		return 0;
	_cleanup_free_ char *low = size_format(min);
	_cleanup_free_ char *high = size_format(max);
	return err_set(err, ERR_INPUT, "%s: %.64s is not between %s and %s", field, text,
		       low, high);
}

int conf_parse_seconds(const char *text, uint32_t min, uint32_t max, const char *field,
		       uint32_t *seconds, struct err *err)
{
	uint64_t n;
	if (duration_parse(text, &n, field, err) < 0)
		return -1;
	if (n < min || n > max)
		return err_set(err, ERR_INPUT, "%s: %.64s is not between %us and %us", field,
			       text, min, max);
	*seconds = (uint32_t)n;
	return 0;
}

int conf_check_plain(const char *text, const char *field, struct err *err)
{
	if (strlen(text) > MAX_LINE)
		return err_set(err, ERR_TOO_LARGE, "%s: longer than %d bytes", field,
			       MAX_LINE);
	for (const char *p = text; *p; p++)
		if (iscntrl((unsigned char)*p))
			return err_set(err, ERR_INPUT,
				       "%s: holds the control character \\x%02x", field,
				       (unsigned char)*p);
	return 0;
}

static int parse_memory(const char *value, struct appliance_conf *conf, struct err *err)
{
	return conf_parse_size(value, MIN_MEMORY_BYTES, MAX_MEMORY_BYTES, "Memory",
			  &conf->memory_bytes, err);
}

static int parse_vcpus(const char *value, struct appliance_conf *conf, struct err *err)
{
	uint64_t n;
	if (number_parse(value, 1, MAX_VCPUS, &n, "Vcpus", err) < 0)
		return -1;
	conf->vcpus = (unsigned)n;
	return 0;
}

static int parse_data(const char *value, struct appliance_conf *conf, struct err *err)
{
	return conf_parse_size(value, MIB, MAX_DISK_BYTES, "Data", &conf->data_bytes, err);
}

static int parse_swap(const char *value, struct appliance_conf *conf, struct err *err)
{
	return conf_parse_size(value, MIB, MAX_DISK_BYTES, "Swap", &conf->swap_bytes, err);
}

static int parse_boot(const char *value, struct appliance_conf *conf, struct err *err)
{
	int i = conf_parse_word(value, boot_names, ARRAY_SIZE(boot_names), "Boot", err);
	if (i < 0)
		return -1;
	conf->boot = (enum boot_mode)i;
	return 0;
}

static int parse_firmware(const char *value, struct appliance_conf *conf, struct err *err)
{
	int i = conf_parse_word(value, firmware_names, ARRAY_SIZE(firmware_names),
				"Firmware", err);
	if (i < 0)
		return -1;
	conf->firmware = (enum firmware_mode)i;
	return 0;
}

static int parse_network(const char *value, struct appliance_conf *conf, struct err *err)
{
	int i = conf_parse_word(value, network_names, ARRAY_SIZE(network_names), "Network",
			   err);
	if (i < 0)
		return -1;
	conf->network = (enum network_mode)i;
	return 0;
}

static int parse_graphics(const char *value, struct appliance_conf *conf, struct err *err)
{
	int i = conf_parse_word(value, graphics_names, ARRAY_SIZE(graphics_names), "Graphics",
			   err);
	if (i < 0)
		return -1;
	conf->graphics = (enum graphics_mode)i;
	return 0;
}

static int parse_upgrade(const char *value, struct appliance_conf *conf, struct err *err)
{
	int i = conf_parse_word(value, upgrade_names, ARRAY_SIZE(upgrade_names), "Upgrade",
			   err);
	if (i < 0)
		return -1;
	conf->upgrade = (enum upgrade_mode)i;
	return 0;
}
static int parse_kernel_args(const char *value, struct appliance_conf *conf,
			     struct err *err)
{
	if (conf_check_plain(value, "Kernel-Args", err) < 0)
		return -1;
	free(conf->kernel_args);
	conf->kernel_args = xstrdup(value);
	return 0;
}

/* "150%" */
static int parse_cpu_limit(const char *value, struct appliance_conf *conf, struct err *err)
{
	size_t len = strlen(value);
	_cleanup_free_ char *number = xstrndup(value, len > 0 ? len - 1 : 0);
	uint64_t percent;
	if (len == 0 || value[len - 1] != '%')
		return err_set(err, ERR_INPUT,
			       "Cpu-Limit: '%.64s' is not a percentage of one CPU, as in 150%%",
			       value);
	if (number_parse(number, 1, MAX_VCPUS * 100, &percent, "Cpu-Limit", err) < 0)
		return -1;
	conf->cpu_percent = (unsigned)percent;
	return 0;
}

static int parse_start_after(const char *value, struct appliance_conf *conf,
			     struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	strv_split(&names, value, " \t\n");
	if (names.count > MAX_LIST)
		return err_set(err, ERR_TOO_LARGE, "Start-After: more than %d", MAX_LIST);
	for (size_t i = 0; i < names.count; i++)
		if (!name_is_valid(names.items[i]))
			return err_set(err, ERR_INPUT, "Start-After: '%.64s' is not a name",
				       names.items[i]);
	strv_destroy(&conf->start_after);
	conf->start_after = names;
	names = (struct strv)STRV_INIT;
	return 0;
}

static int parse_autostart(const char *value, struct appliance_conf *conf, struct err *err)
{
	static const char *const words[] = { "no", "yes" };
	int i = conf_parse_word(value, words, ARRAY_SIZE(words), "Autostart", err);
	if (i < 0)
		return -1;
	conf->autostart = i == 1;
	return 0;
}

static int parse_time_limit(const char *value, struct appliance_conf *conf, struct err *err)
{
	return conf_parse_seconds(value, 1, MAX_TIME_LIMIT_SECONDS, "Time-Limit",
				  &conf->time_limit_seconds, err);
}

static int parse_watch(const char *value, struct appliance_conf *conf, struct err *err)
{
	conf->watch_is_set = true;
	return conf_parse_seconds(value, 0, MAX_WATCH_SECONDS, "Watch", &conf->watch_seconds,
				  err);
}

/* In the order in which they are written; APPLIANCE_VM_FIELDS has the same names. */
static const struct field {
	const char *name;
	int (*parse)(const char *value, struct appliance_conf *conf, struct err *err);
} shared_fields[] = {
	{ "Memory", parse_memory },
	{ "Vcpus", parse_vcpus },
	{ "Cpu-Limit", parse_cpu_limit },
	{ "Data", parse_data },
	{ "Swap", parse_swap },
	{ "Boot", parse_boot },
	{ "Firmware", parse_firmware },
	{ "Kernel-Args", parse_kernel_args },
	{ "Network", parse_network },
	{ "Ports", conf_parse_ports },
	{ "Graphics", parse_graphics },
	{ "Start-After", parse_start_after },
	{ "Autostart", parse_autostart },
	{ "Time-Limit", parse_time_limit },
	{ "Health", conf_parse_health },
	{ "Watch", parse_watch },
	{ "Upgrade", parse_upgrade },
	{ "Params", conf_parse_params },
};

/* A check that comes from outside needs a way into the guest. */
static bool can_be_asked(const struct appliance_conf *conf, const struct health_check *check)
{
	if ((check->kind != HEALTH_TCP && check->kind != HEALTH_HTTP) ||
	    conf->network == NETWORK_NAT)
		return true;
	for (size_t i = 0; i < conf->port_count; i++)
		if (!conf->ports[i].udp && conf->ports[i].guest_port == check->guest_port)
			return true;
	return false;
}

int appliance_conf_set_ports(struct appliance_conf *conf, const char *text, struct err *err)
{
	size_t kept = 0;
	if (conf_parse_ports(text, conf, err) < 0)
		return -1;
	for (size_t i = 0; i < conf->health_count; i++) {
		if (can_be_asked(conf, &conf->health[i]))
			conf->health[kept++] = conf->health[i];
		else
			free(conf->health[i].argument);
	}
	conf->health_count = kept;
	return 0;
}

static int check_health_ways(const struct appliance_conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->health_count; i++) {
		const struct health_check *check = &conf->health[i];
		if (!can_be_asked(conf, check))
			return err_set(err, ERR_INPUT,
				       "Health: %s:%u cannot be asked: it needs Network: nat, or "
				       "Network: user and port %u in Ports",
				       health_kind_name(check->kind), check->guest_port,
				       check->guest_port);
	}
	return 0;
}

static int check_parallel(const struct appliance_conf *conf, struct err *err)
{
	if (conf->upgrade != UPGRADE_PARALLEL)
		return 0;
	if (conf->data_bytes)
		return err_set(
			err, ERR_INPUT,
			"Upgrade: parallel and Data exclude each other: two instances "
			"cannot write one data disk");
	if (conf->network == NETWORK_USER)
		return err_set(err, ERR_INPUT,
			       "Upgrade: parallel needs Network: nat, where the ports can go "
			       "over from one instance to the other");
	return 0;
}

static int check_together(const struct appliance_conf *conf, struct err *err)
{
	if (conf->boot == BOOT_DISK && conf->kernel_args)
		return err_set(err, ERR_INPUT,
			       "Kernel-Args needs Boot: kernel or Boot: host-kernel");
	if (conf->boot != BOOT_DISK && conf->firmware != FIRMWARE_BIOS)
		return err_set(err, ERR_INPUT, "Firmware: uefi needs Boot: disk");
	if (conf->network == NETWORK_NONE && conf->port_count)
		return err_set(err, ERR_INPUT,
			       "Ports needs Network: user or Network: nat");
	if (check_health_ways(conf, err) < 0)
		return -1;
	return check_parallel(conf, err);
}

int appliance_conf_from_stanza(const struct deb822_stanza *stanza, const char *origin,
			       struct appliance_conf *conf, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(shared_fields); i++) {
		const char *value = deb822_get(stanza, shared_fields[i].name);
		if (value && shared_fields[i].parse(value, conf, err) < 0)
			return err_prefix(err, "%s", origin);
	}
	if (conf->boot != BOOT_DISK && !conf->kernel_args)
		conf->kernel_args = xstrdup(APPLIANCE_DEFAULT_KERNEL_ARGS);
	if (conf->health_count && !conf->watch_is_set)
		conf->watch_seconds = DEFAULT_WATCH_SECONDS;
	if (check_together(conf, err) < 0)
		return err_prefix(err, "%s", origin);
	return 0;
}
