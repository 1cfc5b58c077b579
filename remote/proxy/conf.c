/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/proxy/conf.h"

#include <arpa/inet.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "remote/call.h"

enum { MAX_BYTES = 16 * 1024, MAX_TITLE = 64 };

static const char *const known_fields[] = {
	"Viewers", "Viewers-TLS", "TLS", "Certificate", "Key", "Machines", "Control", "Audit", "Title",
	"Code-Life", "Shared", "Max-Sessions", "Max-Sessions-Per-Machine", "Max-Strangers",
	"Max-Strangers-Per-Source", "Rate-Per-Source", "Web", "NoVNC", "Users", "Login-Life",
	"Origins", "Recordings", "Trusted-Header", "Trusted-Source", NULL,
};

void proxy_conf_free(struct proxy_conf *conf)
{
	if (!conf)
		return;
	free(conf->viewers.host);
	free(conf->tls.host);
	free(conf->certificate);
	free(conf->key);
	free(conf->machines);
	free(conf->control);
	free(conf->audit);
	free(conf->recordings);
	free(conf->title);
	free(conf->web);
	free(conf->novnc);
	free(conf->users);
	free(conf->trusted_header);
	free(conf->trusted_source);
	strv_destroy(&conf->origins);
	free(conf);
}

static int take_address(const struct deb822_stanza *s, const char *name, const char *fallback,
			struct listen_at *out, struct err *err)
{
	struct in6_addr address;
	const char *value = deb822_get_or(s, name, fallback);
	if (host_port_parse(value, 0, &out->host, &out->port, name, err) < 0)
		return -1;
	if (inet_pton(AF_INET, out->host, &address) != 1 &&
	    inet_pton(AF_INET6, out->host, &address) != 1)
		return err_set(err, ERR_USAGE, "%s: '%s' is no address to listen at", name, value);
	return 0;
}

static const char *const shared_words[] = { [SHARED_AS_VIEWER] = "viewer",
					    [SHARED_ALWAYS] = "always",
					    [SHARED_NEVER] = "never" };
static const char *const tls_words[] = { [RFB_TLS_NO] = "no",
					 [RFB_TLS_OFFERED] = "offered",
					 [RFB_TLS_REQUIRED] = "required" };

/* The field's value is one of three words: which? */
static int take_word(const struct deb822_stanza *s, const char *name, const char *const words[3],
		     size_t fallback, unsigned *out, struct err *err)
{
	const char *value = deb822_get_or(s, name, words[fallback]);
	for (*out = 0; *out < 3; ++*out)
		if (str_eq(value, words[*out]))
			return 0;
	return err_set(err, ERR_USAGE, "%s: '%s' is none of %s, %s, %s", name, value, words[0],
		       words[1], words[2]);
}

static int take_limits(struct proxy_conf *conf, const struct deb822_stanza *s, struct err *err)
{
	const struct {
		const char *name, *fallback;
		uint64_t max, *out;
	} limits[] = {
		{ "Max-Sessions", "1000", 100000, &conf->max_sessions },
		{ "Max-Sessions-Per-Machine", "8", 1000, &conf->max_sessions_per_machine },
		{ "Max-Strangers", "512", 100000, &conf->max_strangers },
		{ "Max-Strangers-Per-Source", "16", 100000, &conf->max_strangers_per_source },
		{ "Rate-Per-Source", "50", 1000000, &conf->rate_per_source },
	};
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (number_parse(deb822_get_or(s, limits[i].name, limits[i].fallback), 1, limits[i].max,
				 limits[i].out, limits[i].name, err) < 0)
			return -1;
	return 0;
}

/* It goes to every viewer. */
static int take_title(struct proxy_conf *conf, const char *value, struct err *err)
{
	for (const char *p = value; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return err_set(err, ERR_USAGE, "Title: must be printable ASCII");
	if (strlen(value) > MAX_TITLE)
		return err_set(err, ERR_USAGE, "Title: has more than %d characters", MAX_TITLE);
	conf->title = xstrdup(value);
	return 0;
}

/* A header that anybody may send is believed of one address only. */
static int take_trusted(struct proxy_conf *conf, const char *header, const char *source,
			struct err *err)
{
	struct in_addr address;
	if (!header && !source)
		return 0;
	if (!header || !source)
		return err_set(err, ERR_USAGE,
			       "Trusted-Header and Trusted-Source go together");
	/* Of IPv6 a network is all that is known of a source (sources.h), and that is too many. */
	if (inet_pton(AF_INET, source, &address) != 1)
		return err_set(err, ERR_USAGE, "Trusted-Source: '%s' is no address of IPv4", source);
	conf->trusted_header = xstrdup(header);
	conf->trusted_source = xstrdup(source);
	return 0;
}

static int take_page(struct proxy_conf *conf, const struct deb822_stanza *s, struct err *err)
{
	if (duration_parse(deb822_get_or(s, "Login-Life", "12h"), &conf->login_life_s, "Login-Life", err) <
		    0 ||
	    take_trusted(conf, deb822_get_or(s, "Trusted-Header", NULL), deb822_get_or(s, "Trusted-Source", NULL),
			 err) < 0)
		return -1;
	if (conf->login_life_s < 60 || conf->login_life_s > 30 * 24 * 3600)
		return err_set(err, ERR_USAGE, "Login-Life: must be from 1m to 30d");
	strv_split(&conf->origins, deb822_get_or(s, "Origins", ""), " \t\n");
	conf->web = xstrdup(deb822_get_or(s, "Web", WAYBILL_DATADIR "/web"));
	conf->novnc = xstrdup(deb822_get_or(s, "NoVNC", "/usr/share/novnc"));
	conf->users = xstrdup(deb822_get_or(s, "Users", "/etc/waybill/vnc-users"));
	return 0;
}

static int fill(struct proxy_conf *conf, const struct deb822_stanza *s, const char *origin,
		struct err *err)
{
	const char *audit = deb822_get_or(s, "Audit", NULL);
	unsigned shared, tls;
	if (deb822_check_known(s, known_fields, origin, err) < 0 ||
	    take_address(s, "Viewers", "[::]:5900", &conf->viewers, err) < 0 ||
	    take_address(s, "TLS", "[::]:443", &conf->tls, err) < 0 ||
	    duration_parse(deb822_get_or(s, "Code-Life", "60s"), &conf->code_life_s, "Code-Life", err) < 0 ||
	    take_word(s, "Shared", shared_words, SHARED_AS_VIEWER, &shared, err) < 0 ||
	    take_word(s, "Viewers-TLS", tls_words, RFB_TLS_OFFERED, &tls, err) < 0 ||
	    take_title(conf, deb822_get_or(s, "Title", "Remote desktop"), err) < 0 ||
	    take_limits(conf, s, err) < 0 || take_page(conf, s, err) < 0)
		return -1;
	if (conf->code_life_s < 5 || conf->code_life_s > 3600)
		return err_set(err, ERR_USAGE, "Code-Life: must be from 5s to 1h");
	conf->shared = (enum shared_policy)shared;
	conf->viewers_tls = (enum rfb_tls)tls;
	conf->viewers_tls_given = deb822_get(s, "Viewers-TLS");
	conf->certificate = xstrdup(deb822_get_or(s, "Certificate", "/etc/waybill/vncproxyd.pem"));
	conf->key = xstrdup(deb822_get_or(s, "Key", "/etc/waybill/vncproxyd.pem"));
	conf->machines = xstrdup(deb822_get_or(s, "Machines", "/etc/waybill/vnc-machines"));
	conf->control = xstrdup(deb822_get_or(s, "Control", "/run/waybill-proxy/control"));
	conf->recordings = xstrdup(deb822_get_or(s, "Recordings", "/var/lib/waybill-proxy/recordings"));
	conf->audit = audit ? xstrdup(audit) : NULL;
	return 0;
}

/* No stanza at all is well: each field has a default. */
int proxy_conf_parse(const char *text, size_t len, const char *origin, struct proxy_conf **out,
		     struct err *err)
{
	*out = NULL;
	const struct deb822_stanza none = { 0 };
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_(proxy_conf_freep) struct proxy_conf *conf = xcalloc(1, sizeof(*conf));
	if (deb822_parse(text, len, 1, origin, &doc, err) < 0) {
		err->code = ERR_USAGE;
		return -1;
	}
	if (fill(conf, doc->count ? &doc->stanzas[0] : &none, origin, err) < 0) {
		err->code = ERR_USAGE;
		return err_prefix(err, "%s", origin);
	}
	*out = steal(&conf);
	return 0;
}

int proxy_conf_read(const char *path, struct proxy_conf **out, struct err *err)
{
	*out = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (file_read(path, MAX_BYTES, &text, &len, err) < 0) {
		err->code = ERR_USAGE;
		return err_prefix(err, "the proxy is not configured");
	}
	return proxy_conf_parse(text, len, path, out, err);
}
