/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fields that are lists: Ports, Health and Params. */
#include <ctype.h>
#include <stdlib.h>

#include "common/appliance-conf-parts.h"
#include "common/strv.h"

#define DEFAULT_DEADLINE_SECONDS 120
#define MAX_DEADLINE_SECONDS     86400
#define DEFAULT_INTERVAL_SECONDS 5
#define MAX_INTERVAL_SECONDS     3600

void conf_clear_health(struct appliance_conf *conf)
{
	for (size_t i = 0; i < conf->health_count; i++)
		free(conf->health[i].argument);
	free(conf->health);
	conf->health = NULL;
	conf->health_count = 0;
}

void conf_clear_params(struct appliance_conf *conf)
{
	for (size_t i = 0; i < conf->param_count; i++) {
		free(conf->params[i].name);
		free(conf->params[i].default_value);
	}
	free(conf->params);
	conf->params = NULL;
	conf->param_count = 0;
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

int conf_parse_ports(const char *value, struct appliance_conf *conf, struct err *err)
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
		conf_parse_word(word, health_names, ARRAY_SIZE(health_names), "Health", err);
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

/* "deadline=120s" or "interval=5s". Returns 0 if `word` is neither, 1 if it is taken. */
static int parse_health_option(const char *word, struct health_check *check, struct err *err)
{
	const char *value = strchr(word, '=');
	if (!value)
		return 0;
	int result = 0;
	if (str_starts(word, "deadline="))
		result = conf_parse_seconds(value + 1, 1, MAX_DEADLINE_SECONDS,
					    "Health: deadline", &check->deadline_seconds, err);
	else if (str_starts(word, "interval="))
		result = conf_parse_seconds(value + 1, 1, MAX_INTERVAL_SECONDS,
					    "Health: interval", &check->interval_seconds, err);
	else
		return 0;
	return result < 0 ? -1 : 1;
}

/* "http:80/ deadline=120s interval=5s"; `line` is cut up from its end. */
static int parse_health_line(char *line, struct health_check *check, struct err *err)
{
	check->deadline_seconds = DEFAULT_DEADLINE_SECONDS;
	check->interval_seconds = DEFAULT_INTERVAL_SECONDS;
	if (conf_check_plain(line, "Health", err) < 0)
		return -1;
	char *last;
	while ((last = strrchr(line, ' '))) {
		int taken = parse_health_option(last + 1, check, err);
		if (taken < 0)
			return -1;
		if (taken == 0)
			break;
		while (last >= line && *last == ' ')
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

int conf_parse_health(const char *value, struct appliance_conf *conf, struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	strv_split(&lines, value, "\n");
	if (lines.count > MAX_LIST)
		return err_set(err, ERR_TOO_LARGE, "Health: more than %d checks",
			       MAX_LIST);
	conf_clear_health(conf);
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
	if (conf_check_plain(line, "Params", err) < 0)
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

int conf_parse_params(const char *value, struct appliance_conf *conf, struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	strv_split(&lines, value, "\n");
	if (lines.count > MAX_LIST)
		return err_set(err, ERR_TOO_LARGE, "Params: more than %d", MAX_LIST);
	conf_clear_params(conf);
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
