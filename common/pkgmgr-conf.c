/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/pkgmgr-conf.h"

#include <ctype.h>

#include "common/atomic-file.h"
#include "common/deb822.h"

enum { MAX_BYTES = 64 * 1024, MAX_TIMEOUT_S = 3600 };

static const char *const known_fields[] = {
	"Site", "Server", "Port", "Ssh-Key", "Known-Hosts", "Fetch-User", "Origin", "Timeout",
	"Reboot-Command", "Set-Clock", "Rate-Limit", "Fetch-Deadline", "Cache-Size", "Cache-Time",
	"Peers", "Serve-To", "Minimum-Rate", "Stall-Time", "Parallel", "Proxy", NULL,
};

void pkgmgr_conf_free(struct pkgmgr_conf *conf)
{
	if (!conf)
		return;
	free(conf->site);
	free(conf->server);
	free(conf->ssh_key);
	free(conf->known_hosts);
	free(conf->fetch_user);
	free(conf->origin);
	free(conf->reboot_command);
	fetch_policy_destroy(&conf->fetch);
	free(conf);
}

static int get_yes_no(const struct deb822_stanza *stanza, const char *name, bool fallback,
		      bool *out, struct err *err)
{
	const char *value = deb822_get_or(stanza, name, fallback ? "yes" : "no");
	*out = str_eq(value, "yes");
	if (*out || str_eq(value, "no"))
		return 0;
	return err_set(err, ERR_USAGE, "%s: '%s' is neither yes nor no", name, value);
}

/* It becomes an argument of ssh and rsync: nothing that they would take for an
 * option, a port or a path. */
static bool server_is_valid(const char *server)
{
	const char *at = strchr(server, '@');
	if (!at || at == server || !at[1] || !isalnum((unsigned char)server[0]))
		return false;
	for (const char *p = server; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-@", *p) &&
		    !(p > at && strchr("[]:", *p)))
			return false;
	return at[1] != '-' && !strchr(at + 1, '@') &&
	       (at[1] == '[' || !strpbrk(at + 1, "[]:"));
}

static bool user_is_valid(const char *user)
{
	for (const char *p = user; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-", *p))
			return false;
	return *user && *user != '-' && strlen(user) <= 32;
}

/* rsync splits its -e option at blanks. */
static char *path_below(const struct root *root, const char *value)
{
	char *path = root_path(root, "%s", value);
	if (strpbrk(path, " \t\n\"'\\")) {
		free(path);
		return NULL;
	}
	return path;
}

static int fill(const struct root *root, const struct deb822_stanza *s,
		struct pkgmgr_conf *conf, struct err *err)
{
	const char *site = deb822_get_or(s, "Site", NULL), *server = NULL;
	if (deb822_check_known(s, known_fields, PKGMGR_CONF, err) < 0 ||
	    deb822_require(s, "Server", PKGMGR_CONF, &server, err) < 0)
		return -1;
	uint64_t port = 0;
	if (number_parse(deb822_get_or(s, "Port", "22"), 1, 65535, &port, "Port", err) < 0 ||
	    duration_parse(deb822_get_or(s, "Timeout", "60s"), &conf->timeout_s, "Timeout", err) < 0 ||
	    get_yes_no(s, "Set-Clock", true, &conf->set_clock, err) < 0 ||
	    fetch_policy_parse(s, false, &conf->fetch, err) < 0)
		return -1;
	conf->port = (unsigned)port;
	conf->site = site ? xstrdup(site) : NULL;
	conf->server = xstrdup(server);
	conf->fetch_user = xstrdup(deb822_get_or(s, "Fetch-User", "_waybill"));
	conf->origin = xstrdup(deb822_get_or(s, "Origin", "Waybill"));
	conf->reboot_command = xstrdup(deb822_get_or(s, "Reboot-Command", ""));
	conf->ssh_key = path_below(root, deb822_get_or(s, "Ssh-Key", "/etc/waybill/ssh/id_ed25519"));
	conf->known_hosts =
		path_below(root, deb822_get_or(s, "Known-Hosts", "/etc/waybill/ssh/known_hosts"));
	return 0;
}

static int check(const struct pkgmgr_conf *conf, struct err *err)
{
	if (conf->site && !site_name_is_valid(conf->site))
		return err_set(err, ERR_USAGE, "Site: '%s' is no site name", conf->site);
	if (!server_is_valid(conf->server))
		return err_set(err, ERR_USAGE, "Server: '%s' is not of the form USER@HOST",
			       conf->server);
	if (!user_is_valid(conf->fetch_user))
		return err_set(err, ERR_USAGE, "Fetch-User: '%s' is no user name",
			       conf->fetch_user);
	if (!conf->ssh_key || !conf->known_hosts)
		return err_set(err, ERR_USAGE,
			       "Ssh-Key and Known-Hosts may hold no blanks or quotes, nor may the "
			       "root's path");
	if (*conf->reboot_command && *conf->reboot_command != '/')
		return err_set(err, ERR_USAGE, "Reboot-Command: '%s' is no absolute path",
			       conf->reboot_command);
	if (conf->timeout_s < 1 || conf->timeout_s > MAX_TIMEOUT_S)
		return err_set(err, ERR_USAGE, "Timeout: must be from 1s to 1h");
	return 0;
}

int pkgmgr_conf_parse(const struct root *root, const char *text, size_t len,
		      struct pkgmgr_conf **out, struct err *err)
{
	*out = NULL;
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_(pkgmgr_conf_freep) struct pkgmgr_conf *conf = xcalloc(1, sizeof(*conf));
	fetch_policy_init(&conf->fetch);
	if (deb822_parse(text, len, 1, PKGMGR_CONF, &doc, err) < 0) {
		err->code = ERR_USAGE;
		return -1;
	}
	if (doc->count != 1)
		return err_set(err, ERR_USAGE, "%s is empty", PKGMGR_CONF);
	if (fill(root, &doc->stanzas[0], conf, err) < 0 || check(conf, err) < 0) {
		err->code = ERR_USAGE;
		return err_prefix(err, "%s", PKGMGR_CONF);
	}
	*out = steal(&conf);
	return 0;
}

int pkgmgr_conf_read(const struct root *root, struct pkgmgr_conf **out, struct err *err)
{
	*out = NULL;
	_cleanup_free_ char *path = root_path(root, PKGMGR_CONF);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (file_read(path, MAX_BYTES, &text, &len, err) < 0) {
		err->code = ERR_USAGE;
		return err_prefix(err, "this site is not configured; 'imagerepo site bundle' makes "
				       "its configuration");
	}
	return pkgmgr_conf_parse(root, text, len, out, err);
}
