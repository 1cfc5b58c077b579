/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/settings.h"

#include <ctype.h>

#include "common/deb822.h"
#include "common/strv.h"

enum { MAX_VALUE_BYTES = 16 * 1024 };

/* The fields of params/<appliance> that are no parameters (docs/spec/site-list.md). */
static const char *const overrides[] = { "Ports", "Memory", "Vcpus" };

const char *const screen_param_names[SCREEN_PARAMS] = {
	[SCREEN_MACHINE] = "MACHINE",
	[SCREEN_PROXY] = "PROXY",
	[SCREEN_IDENTITY] = "IDENTITY",
	[SCREEN_PROXY_PIN] = "PROXY_PIN",
};

static bool is_override(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(overrides); i++)
		if (strcasecmp(name, overrides[i]) == 0)
			return true;
	return false;
}

/* Known wherever there is a screen to reach, declared or not. */
static bool is_of_screen(const struct appliance_conf *conf, const char *name)
{
	for (size_t i = 0; i < SCREEN_PARAMS; i++)
		if (conf->graphics == GRAPHICS_VNC && strcasecmp(name, screen_param_names[i]) == 0)
			return true;
	return false;
}

static bool is_declared(const struct appliance_conf *conf, const char *name)
{
	if (is_of_screen(conf, name))
		return true;
	for (size_t i = 0; i < conf->param_count; i++)
		if (strcasecmp(name, conf->params[i].name) == 0)
			return true;
	return false;
}

/* Lines are fine, since a shell's quotes hold them; other control characters are not. */
static int check_value(const char *name, const char *value, struct err *err)
{
	if (strlen(value) > MAX_VALUE_BYTES)
		return err_set(err, ERR_TOO_LARGE, "%s: longer than %d bytes", name,
			       MAX_VALUE_BYTES);
	for (const char *p = value; *p; p++)
		if (iscntrl((unsigned char)*p) && *p != '\n' && *p != '\t')
			return err_set(err, ERR_INPUT,
				       "%s: holds the control character \\x%02x", name,
				       (unsigned char)*p);
	return 0;
}

static int check_fields(const struct appliance_conf *conf,
			const struct deb822_stanza *stanza, struct err *err)
{
	for (size_t i = 0; i < stanza->count; i++) {
		const struct deb822_field *field = &stanza->fields[i];
		if (is_override(field->name))
			continue;
		if (!is_declared(conf, field->name))
			return err_set(err, ERR_INPUT,
				       "line %u: %s %s declares no parameter %.64s",
				       field->line, conf->appliance, conf->version,
				       field->name);
		if (check_value(field->name, field->value, err) < 0)
			return -1;
	}
	return 0;
}

/* A stanza with nothing but Ports, Memory and Vcpus, borrowed from `stanza`. */
static int apply_overrides(struct appliance_conf *conf,
			   const struct deb822_stanza *stanza, const char *origin,
			   struct err *err)
{
	struct deb822_field fields[ARRAY_SIZE(overrides)];
	struct deb822_stanza only = { .fields = fields, .count = 0 };
	for (size_t i = 0; i < stanza->count; i++)
		if (is_override(stanza->fields[i].name))
			fields[only.count++] = stanza->fields[i];
	return appliance_conf_from_stanza(&only, origin, conf, err);
}

static void collect_params(struct settings *settings, const struct deb822_stanza *stanza)
{
	const struct appliance_conf *conf = settings->conf;
	settings->params = xcalloc(conf->param_count + 1, sizeof(*settings->params));
	for (size_t i = 0; i < conf->param_count; i++) {
		const struct appliance_param *param = &conf->params[i];
		const char *set = stanza ? deb822_get(stanza, param->name) : NULL;
		const char *value = set ? set : param->default_value;
		if (!value || is_of_screen(conf, param->name))
			continue;
		settings->params[settings->param_count++] =
			(struct setting){ xstrdup(param->name), xstrdup(value),
					  param->secret };
	}
}

static const char *default_of(const struct appliance_conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->param_count; i++)
		if (str_eq(conf->params[i].name, name))
			return conf->params[i].default_value;
	return NULL;
}

static void collect_screen(struct settings *settings, const struct deb822_stanza *stanza)
{
	for (size_t i = 0; i < SCREEN_PARAMS; i++) {
		const char *name = screen_param_names[i];
		const char *set = stanza ? deb822_get(stanza, name) : NULL;
		const char *value = set ? set : default_of(settings->conf, name);
		if (value && *value && is_of_screen(settings->conf, name))
			settings->screen[i] = xstrdup(value);
	}
}

bool settings_has_screen_agent(const struct settings *settings)
{
	for (size_t i = 0; i < SCREEN_PROXY_PIN; i++)
		if (!settings->screen[i])
			return false;
	return true;
}

/* An agent that is somebody else from now on is no reason to start the guest anew; that
 * there is one, or none, moves the screen's socket. */
static void make_digest(struct settings *settings)
{
	_cleanup_strbuf_ struct strbuf all = STRBUF_INIT;
	appliance_conf_format(settings->conf, &all);
	for (size_t i = 0; i < settings->param_count; i++)
		strbuf_addf(&all, "%s=%zu:%s\n", settings->params[i].name,
			    strlen(settings->params[i].value), settings->params[i].value);
	if (settings_has_screen_agent(settings))
		strbuf_adds(&all, "screen agent\n");
	sha256_hex(all.data, all.len, settings->digest);
}

int settings_merge(struct appliance_conf *conf, const char *params_text, size_t len,
		   const char *origin, struct settings **out, struct err *err)
{
	*out = NULL;
	_cleanup_(settings_freep) struct settings *settings =
		xcalloc(1, sizeof(*settings));
	settings->conf = conf;
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (params_text && deb822_parse(params_text, len, 1, origin, &doc, err) < 0)
		return -1;
	const struct deb822_stanza *stanza = doc && doc->count ? &doc->stanzas[0] : NULL;
	if (stanza && check_fields(conf, stanza, err) < 0)
		return err_prefix(err, "%s", origin);
	if (stanza && apply_overrides(conf, stanza, origin, err) < 0)
		return -1;
	collect_params(settings, stanza);
	collect_screen(settings, stanza);
	make_digest(settings);
	*out = steal(&settings);
	return 0;
}

int settings_set_ports(struct settings *settings, const char *ports, struct err *err)
{
	if (appliance_conf_set_ports(settings->conf, ports, err) < 0)
		return -1;
	make_digest(settings);
	return 0;
}

static void free_screen(struct settings *settings)
{
	for (size_t i = 0; i < SCREEN_PARAMS; i++) {
		free(settings->screen[i]);
		settings->screen[i] = NULL;
	}
}

void settings_drop_screen_agent(struct settings *settings)
{
	free_screen(settings);
	make_digest(settings);
}

void settings_free(struct settings *settings)
{
	if (!settings)
		return;
	free_screen(settings);
	appliance_conf_free(settings->conf);
	for (size_t i = 0; i < settings->param_count; i++) {
		free(settings->params[i].name);
		free(settings->params[i].value);
	}
	free(settings->params);
	free(settings);
}
