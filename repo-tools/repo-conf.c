/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/repo-conf.h"

#include <ctype.h>

#include "common/deb822.h"

#define DEFAULT_RELEASE_VALID (10 * 86400)
#define DEFAULT_LIST_VALID (30 * 86400)
#define DEFAULT_DELTAS 3
#define MAX_DELTAS 20

static const char *const known_fields[] = {
	"Origin",	  "Label",    "Suites",	       "Components",
	"Architectures", "Signing-Key", "List-Key", "Release-Valid", "List-Valid",
	"Url",	      "Server",	  "Port",     "Require-Tested", "Deltas", NULL,
};

static const char *native_architecture(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__i386__)
	return "i386";
#else
	return "all";
#endif
}

struct repo_conf *repo_conf_new(void)
{
	struct repo_conf *conf = xcalloc(1, sizeof(*conf));
	conf->origin = xstrdup("Waybill");
	conf->label = xstrdup("Waybill");
	strv_add(&conf->suites, "stable");
	strv_add(&conf->architectures, native_architecture());
	conf->release_valid_seconds = DEFAULT_RELEASE_VALID;
	conf->list_valid_seconds = DEFAULT_LIST_VALID;
	conf->port = 22;
	conf->deltas = DEFAULT_DELTAS;
	return conf;
}

void repo_conf_free(struct repo_conf *conf)
{
	if (!conf)
		return;
	free(conf->origin);
	free(conf->label);
	strv_destroy(&conf->suites);
	strv_destroy(&conf->architectures);
	free(conf->signing_key);
	free(conf->list_key);
	free(conf->url);
	free(conf->server);
	free(conf);
}

bool suite_name_is_valid(const char *name)
{
	size_t len = strlen(name);
	if (len == 0 || len > 64 || !islower((unsigned char)name[0]))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len;
}

static bool architecture_is_valid(const char *name)
{
	size_t len = strlen(name);
	return len && len <= 64 && isalnum((unsigned char)name[0]) && !str_eq(name, "all") &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* One line of printable text, since it goes into Release as it is. */
static bool is_plain_line(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			return false;
	return true;
}

static void take_text(const struct deb822_stanza *stanza, const char *field, char **out)
{
	const char *value = deb822_get(stanza, field);
	if (!value || !*value)
		return;
	free(*out);
	*out = xstrdup(value);
}

static int take_words(const struct deb822_stanza *stanza, const char *field, const char *origin,
		      bool (*valid)(const char *), struct strv *out, struct err *err)
{
	const char *value = deb822_get(stanza, field);
	if (!value)
		return 0;
	strv_destroy(out);
	strv_split(out, value, " \t\n");
	for (size_t i = 0; i < out->count; i++)
		if (!valid(out->items[i]))
			return err_set(err, ERR_INPUT, "%s: %s: '%s' is no valid name", origin,
				       field, out->items[i]);
	if (out->count == 0)
		return err_set(err, ERR_INPUT, "%s: %s is empty", origin, field);
	return 0;
}

static int take_duration(const struct deb822_stanza *stanza, const char *field, uint64_t *out,
			 struct err *err)
{
	const char *value = deb822_get(stanza, field);
	if (!value)
		return 0;
	if (duration_parse(value, out, field, err) < 0)
		return -1;
	return *out ? 0 : err_set(err, ERR_INPUT, "%s must not be zero", field);
}

static int take_port(const struct deb822_stanza *stanza, unsigned *out, struct err *err)
{
	const char *value = deb822_get(stanza, "Port");
	uint64_t port;
	if (!value)
		return 0;
	if (number_parse(value, 1, 65535, &port, "Port", err) < 0)
		return -1;
	*out = (unsigned)port;
	return 0;
}

static int take_flag(const struct deb822_stanza *stanza, const char *field, bool *out,
		     struct err *err)
{
	const char *value = deb822_get(stanza, field);
	if (!value)
		return 0;
	if (!str_eq(value, "yes") && !str_eq(value, "no"))
		return err_set(err, ERR_INPUT, "%s: '%.32s' is neither yes nor no", field, value);
	*out = str_eq(value, "yes");
	return 0;
}

static int take_deltas(const struct deb822_stanza *stanza, uint64_t *out, struct err *err)
{
	const char *value = deb822_get(stanza, "Deltas");
	return value ? number_parse(value, 0, MAX_DELTAS, out, "Deltas", err) : 0;
}

static int check_lines(const struct repo_conf *conf, const char *origin, struct err *err)
{
	const char *const lines[] = { conf->origin, conf->label, conf->signing_key,
				      conf->list_key, conf->url, conf->server };
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (lines[i] && !is_plain_line(lines[i]))
			return err_set(err, ERR_INPUT, "%s: '%s' must be one line", origin,
				       lines[i]);
	return 0;
}

static int fill(struct repo_conf *conf, const struct deb822_stanza *stanza, const char *origin,
		struct err *err)
{
	const char *components = deb822_get(stanza, "Components");
	if (deb822_check_known(stanza, known_fields, origin, err) < 0)
		return -1;
	if (components && !str_eq(components, REPO_COMPONENT))
		return err_set(err, ERR_INPUT, "%s: the only component is " REPO_COMPONENT,
			       origin);
	take_text(stanza, "Origin", &conf->origin);
	take_text(stanza, "Label", &conf->label);
	take_text(stanza, "Signing-Key", &conf->signing_key);
	take_text(stanza, "List-Key", &conf->list_key);
	take_text(stanza, "Url", &conf->url);
	take_text(stanza, "Server", &conf->server);
	if (!conf->signing_key || !conf->list_key)
		return err_set(err, ERR_INPUT, "%s: Signing-Key and List-Key are required",
			       origin);
	if (take_words(stanza, "Suites", origin, suite_name_is_valid, &conf->suites, err) < 0 ||
	    take_words(stanza, "Architectures", origin, architecture_is_valid,
		       &conf->architectures, err) < 0 ||
	    take_duration(stanza, "Release-Valid", &conf->release_valid_seconds, err) < 0 ||
	    take_duration(stanza, "List-Valid", &conf->list_valid_seconds, err) < 0 ||
	    take_port(stanza, &conf->port, err) < 0 ||
	    take_flag(stanza, "Require-Tested", &conf->require_tested, err) < 0 ||
	    take_deltas(stanza, &conf->deltas, err) < 0)
		return err_prefix(err, "%s", origin);
	return check_lines(conf, origin, err);
}

int repo_conf_parse(const char *text, size_t len, const char *origin, struct repo_conf **out,
		    struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_(repo_conf_freep) struct repo_conf *conf = repo_conf_new();
	*out = NULL;
	if (len > REPO_CONF_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "%s is larger than 64 KiB", origin);
	if (deb822_parse(text, len, 1, origin, &doc, err) < 0)
		return -1;
	if (doc->count != 1)
		return err_set(err, ERR_INPUT, "%s is empty", origin);
	if (fill(conf, &doc->stanzas[0], origin, err) < 0)
		return -1;
	*out = steal(&conf);
	return 0;
}

/* In the largest unit that keeps it whole. */
static void write_duration(struct strbuf *out, const char *field, uint64_t seconds)
{
	static const struct { uint64_t seconds; char letter; } units[] = {
		{ 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' },
	};
	size_t i = 0;
	while (seconds % units[i].seconds)
		i++;
	strbuf_addf(out, "%s: %llu%c\n", field,
		    (unsigned long long)(seconds / units[i].seconds), units[i].letter);
}

void repo_conf_format(const struct repo_conf *conf, struct strbuf *out)
{
	_cleanup_free_ char *suites = strv_join(&conf->suites, " ");
	_cleanup_free_ char *architectures = strv_join(&conf->architectures, " ");
	deb822_write(out, "Origin", conf->origin);
	deb822_write(out, "Label", conf->label);
	deb822_write(out, "Suites", suites);
	deb822_write(out, "Components", REPO_COMPONENT);
	deb822_write(out, "Architectures", architectures);
	deb822_write(out, "Signing-Key", conf->signing_key);
	deb822_write(out, "List-Key", conf->list_key);
	write_duration(out, "Release-Valid", conf->release_valid_seconds);
	write_duration(out, "List-Valid", conf->list_valid_seconds);
	if (conf->url)
		deb822_write(out, "Url", conf->url);
	if (conf->server) {
		deb822_write(out, "Server", conf->server);
		strbuf_addf(out, "Port: %u\n", conf->port);
	}
	if (conf->require_tested)
		deb822_write(out, "Require-Tested", "yes");
	if (conf->deltas != DEFAULT_DELTAS)
		strbuf_addf(out, "Deltas: %llu\n", (unsigned long long)conf->deltas);
}

int repo_conf_set_server(struct repo_conf *conf, const char *text, struct err *err)
{
	const char *at = strchr(text, '@');
	const char *colon = at ? strchr(at, ':') : NULL;
	uint64_t port = 22;
	if (colon && number_parse(colon + 1, 1, 65535, &port, "the port", err) < 0)
		return err_prefix(err, "server '%s'", text);
	_cleanup_free_ char *server = colon ? xstrndup(text, (size_t)(colon - text))
					    : xstrdup(text);
	if (!at || at == text || !server[(size_t)(at - text) + 1] || server[0] == '-' ||
	    strspn(server, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			   "@._-") != strlen(server))
		return err_set(err, ERR_USAGE, "server '%s' is not of the form USER@HOST[:PORT]",
			       text);
	free(conf->server);
	conf->server = steal(&server);
	conf->port = (unsigned)port;
	return 0;
}

int repo_conf_check_suite(const struct repo_conf *conf, const char *suite, struct err *err)
{
	if (strv_contains(&conf->suites, suite))
		return 0;
	_cleanup_free_ char *all = strv_join(&conf->suites, " ");
	return err_set(err, ERR_NOT_FOUND,
		       "no suite '%s'; this repository has: %s (Suites in conf/repo.conf)", suite,
		       all);
}
