/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/appliance-conf.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/hash.h"
#include "common/strv.h"

#define FORMAT_LINE              "waybill-appliance 1"
#define MIB                      UINT64_C(1048576)
#define MIN_MEMORY_BYTES         (16 * MIB)
#define MAX_MEMORY_BYTES         (4 * MIB * MIB)
#define MAX_DISK_BYTES           (64 * MIB * MIB)
#define MAX_VCPUS                64
#define MAX_LIST                 64 /* of ports, checks and parameters each */
#define MAX_LINE                 2048
#define DEFAULT_DEADLINE_SECONDS 120
#define MAX_DEADLINE_SECONDS     86400

static const char *const boot_names[] = {
	[BOOT_DISK] = "disk",
	[BOOT_KERNEL] = "kernel",
	[BOOT_HOST_KERNEL] = "host-kernel",
};
static const char *const network_names[] = {
	[NETWORK_NONE] = "none",
	[NETWORK_USER] = "user",
	[NETWORK_NAT] = "nat",
};
static const char *const graphics_names[] = {
	[GRAPHICS_NONE] = "none",
	[GRAPHICS_VNC] = "vnc",
};
static const char *const upgrade_names[] = {
	[UPGRADE_REPLACE] = "replace",
	[UPGRADE_PARALLEL] = "parallel",
};
static const char *const health_names[] = {
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
	return conf;
}

static void clear_health(struct appliance_conf *conf)
{
	for (size_t i = 0; i < conf->health_count; i++)
		free(conf->health[i].argument);
	free(conf->health);
	conf->health = NULL;
	conf->health_count = 0;
}

static void clear_params(struct appliance_conf *conf)
{
	for (size_t i = 0; i < conf->param_count; i++) {
		free(conf->params[i].name);
		free(conf->params[i].default_value);
	}
	free(conf->params);
	conf->params = NULL;
	conf->param_count = 0;
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
	clear_health(conf);
	clear_params(conf);
	free(conf);
}

/* Index of `text` in `names`, or -1 with a message that lists what would do. */
static int parse_word(const char *text, const char *const *names, size_t count,
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

static int parse_size(const char *text, uint64_t min, uint64_t max, const char *field,
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

static int parse_memory(const char *value, struct appliance_conf *conf, struct err *err)
{
	return parse_size(value, MIN_MEMORY_BYTES, MAX_MEMORY_BYTES, "Memory",
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
	return parse_size(value, MIB, MAX_DISK_BYTES, "Data", &conf->data_bytes, err);
}

static int parse_swap(const char *value, struct appliance_conf *conf, struct err *err)
{
	return parse_size(value, MIB, MAX_DISK_BYTES, "Swap", &conf->swap_bytes, err);
}

static int parse_boot(const char *value, struct appliance_conf *conf, struct err *err)
{
	int i = parse_word(value, boot_names, ARRAY_SIZE(boot_names), "Boot", err);
	if (i < 0)
		return -1;
	conf->boot = (enum boot_mode)i;
	return 0;
}

static int parse_network(const char *value, struct appliance_conf *conf, struct err *err)
{
	int i = parse_word(value, network_names, ARRAY_SIZE(network_names), "Network",
			   err);
	if (i < 0)
		return -1;
	conf->network = (enum network_mode)i;
	return 0;
}

static int parse_graphics(const char *value, struct appliance_conf *conf, struct err *err)
{
	int i = parse_word(value, graphics_names, ARRAY_SIZE(graphics_names), "Graphics",
			   err);
	if (i < 0)
		return -1;
	conf->graphics = (enum graphics_mode)i;
	return 0;
}

static int parse_upgrade(const char *value, struct appliance_conf *conf, struct err *err)
{
	int i = parse_word(value, upgrade_names, ARRAY_SIZE(upgrade_names), "Upgrade",
			   err);
	if (i < 0)
		return -1;
	conf->upgrade = (enum upgrade_mode)i;
	return 0;
}

/* One line that may go on a command line, into a shell file and into XML. */
static int check_plain(const char *text, const char *field, struct err *err)
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

static int parse_kernel_args(const char *value, struct appliance_conf *conf,
			     struct err *err)
{
	if (check_plain(value, "Kernel-Args", err) < 0)
		return -1;
	free(conf->kernel_args);
	conf->kernel_args = xstrdup(value);
	return 0;
}

/* "8080:80" or "5353:53/udp" */
static int parse_port(const char *word, struct port_forward *port, struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(word);
	char *protocol = strchr(copy, '/');
	if (protocol)
		*protocol++ = '\0';
	char *guest = strchr(copy, ':');
	if (!guest || (protocol && !str_eq(protocol, "tcp") && !str_eq(protocol, "udp")))
		return err_set(err, ERR_INPUT,
			       "Ports: '%.64s' is not HOST:GUEST, HOST:GUEST/tcp or "
			       "HOST:GUEST/udp",
			       word);
	*guest++ = '\0';
	uint64_t host_port, guest_port;
	if (number_parse(copy, 1, UINT16_MAX, &host_port, "Ports: host port", err) < 0 ||
	    number_parse(guest, 1, UINT16_MAX, &guest_port, "Ports: guest port", err) < 0)
		return -1;
	port->host_port = (uint16_t)host_port;
	port->guest_port = (uint16_t)guest_port;
	port->udp = protocol && str_eq(protocol, "udp");
	return 0;
}

static int parse_ports(const char *value, struct appliance_conf *conf, struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	strv_split(&words, value, " \t\n");
	if (words.count > MAX_LIST)
		return err_set(err, ERR_TOO_LARGE, "Ports: more than %d", MAX_LIST);
	_cleanup_free_ struct port_forward *ports =
		xcalloc(words.count + 1, sizeof(*ports));
	for (size_t i = 0; i < words.count; i++) {
		if (parse_port(words.items[i], &ports[i], err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (ports[j].host_port == ports[i].host_port &&
			    ports[j].udp == ports[i].udp)
				return err_set(err, ERR_INPUT,
					       "Ports: host port %u is named twice",
					       ports[i].host_port);
	}
	free(conf->ports);
	conf->ports = steal(&ports);
	conf->port_count = words.count;
	return 0;
}

/* What follows "tcp:", "http:" or "exec:" in one line of Health. */
static int parse_health_argument(const char *text, struct health_check *check,
				 struct err *err)
{
	if (check->kind == HEALTH_EXEC) {
		if (!*text)
			return err_set(err, ERR_INPUT, "Health: exec: without a command");
		check->argument = xstrdup(text);
		return 0;
	}
	size_t digits = strcspn(text, "/");
	_cleanup_free_ char *number = xstrndup(text, digits);
	uint64_t port;
	if (number_parse(number, 1, UINT16_MAX, &port, "Health: port", err) < 0)
		return -1;
	check->guest_port = (uint16_t)port;
	if (check->kind == HEALTH_HTTP)
		check->argument = xstrdup(text[digits] ? text + digits : "/");
	else if (text[digits])
		return err_set(err, ERR_INPUT, "Health: tcp:%.64s has a path", text);
	if (check->argument && strpbrk(check->argument, " \t"))
		return err_set(err, ERR_INPUT, "Health: http:%.64s holds a blank", text);
	return 0;
}

static int parse_health_kind(const char *text, struct health_check *check,
			     struct err *err)
{
	size_t len = strcspn(text, ":");
	_cleanup_free_ char *word = xstrndup(text, len);
	int kind =
		parse_word(word, health_names, ARRAY_SIZE(health_names), "Health", err);
	if (kind < 0)
		return -1;
	check->kind = (enum health_kind)kind;
	bool takes_argument = check->kind >= HEALTH_TCP;
	if (takes_argument != (text[len] == ':'))
		return err_set(err, ERR_INPUT, "Health: '%.64s': %s %s", text, word,
			       takes_argument ? "needs ':' and what to ask"
					      : "takes no argument");
	return takes_argument ? parse_health_argument(text + len + 1, check, err) : 0;
}

/* "http:80/ deadline=120s"; `line` is cut up. */
static int parse_health_line(char *line, struct health_check *check, struct err *err)
{
	check->deadline_seconds = DEFAULT_DEADLINE_SECONDS;
	if (check_plain(line, "Health", err) < 0)
		return -1;
	char *last = strrchr(line, ' ');
	if (last && str_starts(last + 1, "deadline=")) {
		uint64_t seconds;
		const char *text = last + 1 + strlen("deadline=");
		if (duration_parse(text, &seconds, "Health: deadline", err) < 0)
			return -1;
		if (seconds < 1 || seconds > MAX_DEADLINE_SECONDS)
			return err_set(err, ERR_INPUT,
				       "Health: deadline=%.64s is not between 1s and 1d",
				       text);
		check->deadline_seconds = (uint32_t)seconds;
		while (last > line && *last == ' ')
			*last-- = '\0';
	}
	return parse_health_kind(line, check, err);
}

static char *trim(char *line)
{
	line += strspn(line, " \t");
	size_t len = strlen(line);
	while (len > 0 && strchr(" \t", line[len - 1]))
		line[--len] = '\0';
	return line;
}

static int parse_health(const char *value, struct appliance_conf *conf, struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	strv_split(&lines, value, "\n");
	if (lines.count > MAX_LIST)
		return err_set(err, ERR_TOO_LARGE, "Health: more than %d checks",
			       MAX_LIST);
	clear_health(conf);
	conf->health = xcalloc(lines.count + 1, sizeof(*conf->health));
	for (size_t i = 0; i < lines.count; i++) {
		char *line = trim(lines.items[i]);
		if (!*line)
			continue;
		if (parse_health_line(line, &conf->health[conf->health_count++], err) < 0)
			return -1;
	}
	return 0;
}

static bool param_name_is_valid(const char *name)
{
	if (!isupper((unsigned char)name[0]) || strlen(name) > 64)
		return false;
	return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

/* deb822 compares names without case, and params/<appliance> may hold these. */
static bool param_name_is_taken(const char *name)
{
	return str_eq(name, "PORTS") || str_eq(name, "MEMORY") || str_eq(name, "VCPUS");
}

/* "NAME=default", "NAME" or "NAME secret"; `line` is cut up. */
static int parse_param_line(char *line, struct appliance_param *param, struct err *err)
{
	if (check_plain(line, "Params", err) < 0)
		return -1;
	size_t len = strcspn(line, "= \t");
	if (line[len] == '=') {
		param->default_value = xstrdup(line + len + 1);
	} else if (line[len]) {
		if (!str_eq(trim(line + len), "secret"))
			return err_set(err, ERR_INPUT,
				       "Params: '%.64s' is not NAME=default, NAME or "
				       "NAME secret",
				       line);
		param->secret = true;
	}
	line[len] = '\0';
	param->name = xstrdup(line);
	if (!param_name_is_valid(param->name))
		return err_set(err, ERR_INPUT,
			       "Params: '%.64s' is not a name of A-Z, 0-9 and _ that "
			       "begins with "
			       "a letter",
			       param->name);
	if (param_name_is_taken(param->name))
		return err_set(err, ERR_INPUT,
			       "Params: %s is a setting of every appliance", param->name);
	return 0;
}

static int parse_params(const char *value, struct appliance_conf *conf, struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	strv_split(&lines, value, "\n");
	if (lines.count > MAX_LIST)
		return err_set(err, ERR_TOO_LARGE, "Params: more than %d", MAX_LIST);
	clear_params(conf);
	conf->params = xcalloc(lines.count + 1, sizeof(*conf->params));
	for (size_t i = 0; i < lines.count; i++) {
		char *line = trim(lines.items[i]);
		if (!*line)
			continue;
		struct appliance_param *param = &conf->params[conf->param_count++];
		if (parse_param_line(line, param, err) < 0)
			return -1;
		for (const struct appliance_param *p = conf->params; p < param; p++)
			if (str_eq(p->name, param->name))
				return err_set(err, ERR_INPUT,
					       "Params: %s is named twice", p->name);
	}
	return 0;
}

/* The fields that a recipe has too, in the order in which they are written. */
static const struct field {
	const char *name;
	int (*parse)(const char *value, struct appliance_conf *conf, struct err *err);
} shared_fields[] = {
	{ "Memory", parse_memory },     { "Vcpus", parse_vcpus },
	{ "Data", parse_data },         { "Swap", parse_swap },
	{ "Boot", parse_boot },         { "Kernel-Args", parse_kernel_args },
	{ "Network", parse_network },   { "Ports", parse_ports },
	{ "Graphics", parse_graphics }, { "Health", parse_health },
	{ "Upgrade", parse_upgrade },   { "Params", parse_params },
};

static int check_together(const struct appliance_conf *conf, struct err *err)
{
	if (conf->boot == BOOT_DISK && conf->kernel_args)
		return err_set(err, ERR_INPUT,
			       "Kernel-Args needs Boot: kernel or Boot: host-kernel");
	if (conf->network == NETWORK_NONE && conf->port_count)
		return err_set(err, ERR_INPUT,
			       "Ports needs Network: user or Network: nat");
	if (conf->upgrade == UPGRADE_PARALLEL && conf->data_bytes)
		return err_set(
			err, ERR_INPUT,
			"Upgrade: parallel and Data exclude each other: two instances "
			"cannot write one data disk");
	return 0;
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
	if (check_together(conf, err) < 0)
		return err_prefix(err, "%s", origin);
	return 0;
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
	if (!str_eq(format, FORMAT_LINE))
		return err_set(err, ERR_INPUT, "%s: Format: '%.64s' is not '%s'", origin,
			       format, FORMAT_LINE);
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
	if (parse_size(disk, MIB, MAX_DISK_BYTES, "Disk", &conf->disk_bytes, err) < 0)
		return err_prefix(err, "%s", origin);
	return 0;
}

int appliance_conf_parse(const char *text, size_t len, const char *origin,
			 struct appliance_conf **out, struct err *err)
{
	static const char *const known[] = {
		"Format", "Appliance",   "Version", "Architecture", "Base-SHA256",
		"Disk",   "Memory",      "Vcpus",   "Data",         "Swap",
		"Boot",   "Kernel-Args", "Network", "Ports",        "Graphics",
		"Health", "Upgrade",     "Params",  NULL,
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

/* Exact, unlike size_format(): "512M", "4G", "1234". */
static void write_size(struct strbuf *out, const char *name, uint64_t bytes)
{
	static const char letters[] = "TGMK";
	for (unsigned i = 0; letters[i]; i++) {
		uint64_t unit = UINT64_C(1) << (40 - 10 * i);
		if (bytes >= unit && bytes % unit == 0) {
			strbuf_addf(out, "%s: %llu%c\n", name,
				    (unsigned long long)(bytes / unit), letters[i]);
			return;
		}
	}
	strbuf_addf(out, "%s: %llu\n", name, (unsigned long long)bytes);
}

char *appliance_conf_ports(const struct appliance_conf *conf)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	for (size_t i = 0; i < conf->port_count; i++)
		strv_addf(&words, "%u:%u%s", conf->ports[i].host_port,
			  conf->ports[i].guest_port, conf->ports[i].udp ? "/udp" : "");
	return strv_join(&words, " ");
}

static void format_health(const struct appliance_conf *conf, struct strbuf *out)
{
	_cleanup_strbuf_ struct strbuf lines = STRBUF_INIT;
	for (size_t i = 0; i < conf->health_count; i++) {
		const struct health_check *check = &conf->health[i];
		strbuf_addf(&lines, "\n%s", health_kind_name(check->kind));
		if (check->kind == HEALTH_EXEC)
			strbuf_addf(&lines, ":%s", check->argument);
		else if (check->kind >= HEALTH_TCP)
			strbuf_addf(&lines, ":%u%s", check->guest_port,
				    check->argument ? check->argument : "");
		strbuf_addf(&lines, " deadline=%us", check->deadline_seconds);
	}
	if (lines.len)
		deb822_write(out, "Health", lines.data);
}

static void format_params(const struct appliance_conf *conf, struct strbuf *out)
{
	_cleanup_strbuf_ struct strbuf lines = STRBUF_INIT;
	for (size_t i = 0; i < conf->param_count; i++) {
		const struct appliance_param *param = &conf->params[i];
		strbuf_addf(&lines, "\n%s", param->name);
		if (param->default_value)
			strbuf_addf(&lines, "=%s", param->default_value);
		else if (param->secret)
			strbuf_adds(&lines, " secret");
	}
	if (lines.len)
		deb822_write(out, "Params", lines.data);
}

void appliance_conf_format(const struct appliance_conf *conf, struct strbuf *out)
{
	deb822_write(out, "Format", FORMAT_LINE);
	deb822_write(out, "Appliance", conf->appliance);
	deb822_write(out, "Version", conf->version);
	deb822_write(out, "Architecture", conf->architecture);
	deb822_write(out, "Base-SHA256", conf->base_sha256);
	write_size(out, "Disk", conf->disk_bytes);
	write_size(out, "Memory", conf->memory_bytes);
	strbuf_addf(out, "Vcpus: %u\n", conf->vcpus);
	if (conf->data_bytes)
		write_size(out, "Data", conf->data_bytes);
	if (conf->swap_bytes)
		write_size(out, "Swap", conf->swap_bytes);
	deb822_write(out, "Boot", boot_names[conf->boot]);
	if (conf->kernel_args)
		deb822_write(out, "Kernel-Args", conf->kernel_args);
	deb822_write(out, "Network", network_names[conf->network]);
	_cleanup_free_ char *ports = appliance_conf_ports(conf);
	if (*ports)
		deb822_write(out, "Ports", ports);
	deb822_write(out, "Graphics", graphics_names[conf->graphics]);
	format_health(conf, out);
	deb822_write(out, "Upgrade", upgrade_names[conf->upgrade]);
	format_params(conf, out);
}
