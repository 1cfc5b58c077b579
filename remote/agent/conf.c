/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/agent/conf.h"

#include <sys/un.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/strv.h"
#include "remote/tls.h"

enum { MAX_BYTES = 16 * 1024, MAX_SESSIONS = 1000 };

static const char *const known_fields[] = {
	"Machine", "Proxy", "Proxy-Pin", "Proxy-CA", "Identity", "Endpoint", "Password-File",
	"Allow", "HTTP-Proxy", "Max-Sessions", NULL,
};

void agent_conf_free(struct agent_conf *conf)
{
	if (!conf)
		return;
	free(conf->machine);
	free(conf->identity);
	free(conf->password_file);
	free(conf->proxy_pin);
	free(conf->proxy_roots);
	free(conf->proxy.host);
	free(conf->proxy.http_proxy_host);
	free(conf->proxy.http_proxy_login);
	for (size_t i = 0; i < conf->endpoint_count; i++)
		free(conf->endpoints[i].host);
	free(conf);
}

static char *copy_or_null(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static int check_pin(const char *pin, struct err *err)
{
	if (pin && (strlen(pin) != TLS_PIN_LEN || strspn(pin, "0123456789abcdef") != TLS_PIN_LEN))
		return err_set(err, ERR_USAGE,
			       "Proxy-Pin: must be %d hexadecimal digits; 'vncproxyctl pin' prints "
			       "them",
			       TLS_PIN_LEN);
	return 0;
}

/* "[USER:PASSWORD@]HOST:PORT" */
static int take_http_proxy(struct call_conf *call, const char *value, struct err *err)
{
	if (!value)
		return 0;
	const char *at = strrchr(value, '@');
	if (at)
		call->http_proxy_login = xstrndup(value, (size_t)(at - value));
	return host_port_parse(at ? at + 1 : value, 3128, &call->http_proxy_host,
			       &call->http_proxy_port, "HTTP-Proxy", err);
}

static int add_endpoint(struct agent_conf *conf, const char *text, const char *what,
			struct err *err)
{
	if (conf->endpoint_count == AGENT_MAX_ENDPOINTS)
		return err_set(err, ERR_USAGE, "%s: more than %d endpoints", what,
			       AGENT_MAX_ENDPOINTS);
	struct endpoint *endpoint = &conf->endpoints[conf->endpoint_count];
	if (host_port_parse(text, 0, &endpoint->host, &endpoint->port, what, err) < 0)
		return -1;
	conf->endpoint_count++;
	return 0;
}

/* "/PATH": a Unix socket, for a VNC server on the same machine that only we may reach. */
static int add_path(struct agent_conf *conf, const char *path, struct err *err)
{
	const size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	if (strlen(path) > max)
		return err_set(err, ERR_USAGE, "Endpoint: a socket's path has at most %zu bytes: '%s'",
			       max, path);
	conf->endpoints[conf->endpoint_count++].host = xstrdup(path);
	return 0;
}

static int take_endpoints(struct agent_conf *conf, const struct deb822_stanza *s, struct err *err)
{
	_cleanup_strv_ struct strv allow = STRV_INIT;
	const char *server = deb822_get_or(s, "Endpoint", "127.0.0.1:5900");
	if ((*server == '/' ? add_path(conf, server, err)
			    : add_endpoint(conf, server, "Endpoint", err)) < 0)
		return -1;
	strv_split(&allow, deb822_get_or(s, "Allow", ""), " \t\n");
	for (size_t i = 0; i < allow.count; i++)
		if (add_endpoint(conf, allow.items[i], "Allow", err) < 0)
			return -1;
	return 0;
}

static int fill(struct agent_conf *conf, const struct deb822_stanza *s, const char *origin,
		struct err *err)
{
	const char *machine, *proxy;
	uint64_t max_sessions;
	if (deb822_check_known(s, known_fields, origin, err) < 0 ||
	    deb822_require(s, "Machine", origin, &machine, err) < 0 ||
	    deb822_require(s, "Proxy", origin, &proxy, err) < 0 ||
	    check_pin(deb822_get_or(s, "Proxy-Pin", NULL), err) < 0 ||
	    host_port_parse(proxy, 443, &conf->proxy.host, &conf->proxy.port, "Proxy", err) < 0 ||
	    take_http_proxy(&conf->proxy, deb822_get_or(s, "HTTP-Proxy", NULL), err) < 0 ||
	    take_endpoints(conf, s, err) < 0 ||
	    number_parse(deb822_get_or(s, "Max-Sessions", "16"), 1, MAX_SESSIONS, &max_sessions,
			 "Max-Sessions", err) < 0)
		return -1;
	if (!name_is_valid(machine))
		return err_set(err, ERR_USAGE, "Machine: '%s' is no name of a machine", machine);
	conf->machine = xstrdup(machine);
	conf->identity = xstrdup(deb822_get_or(s, "Identity", "/etc/waybill/vncagent.pem"));
	conf->password_file = copy_or_null(deb822_get_or(s, "Password-File", NULL));
	conf->proxy_pin = copy_or_null(deb822_get_or(s, "Proxy-Pin", NULL));
	conf->proxy_roots = copy_or_null(deb822_get_or(s, "Proxy-CA", NULL));
	conf->max_sessions = (unsigned)max_sessions;
	return 0;
}

int agent_conf_parse(const char *text, size_t len, const char *origin, struct agent_conf **out,
		     struct err *err)
{
	*out = NULL;
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_(agent_conf_freep) struct agent_conf *conf = xcalloc(1, sizeof(*conf));
	if (deb822_parse(text, len, 1, origin, &doc, err) < 0) {
		err->code = ERR_USAGE;
		return -1;
	}
	if (doc->count != 1)
		return err_set(err, ERR_USAGE, "%s is empty", origin);
	if (fill(conf, &doc->stanzas[0], origin, err) < 0) {
		err->code = ERR_USAGE;
		return err_prefix(err, "%s", origin);
	}
	*out = steal(&conf);
	return 0;
}

int agent_conf_read(const char *path, struct agent_conf **out, struct err *err)
{
	*out = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (file_read(path, MAX_BYTES, &text, &len, err) < 0) {
		err->code = ERR_USAGE;
		return err_prefix(err, "the agent is not configured");
	}
	return agent_conf_parse(text, len, path, out, err);
}

const struct endpoint *agent_conf_endpoint(const struct agent_conf *conf, const char *host,
					   uint16_t port)
{
	if (!*host && port == 0)
		return &conf->endpoints[0];
	for (size_t i = 0; i < conf->endpoint_count; i++)
		if (conf->endpoints[i].port == port && str_eq(conf->endpoints[i].host, host))
			return &conf->endpoints[i];
	return NULL;
}
