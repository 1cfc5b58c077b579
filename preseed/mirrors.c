/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/mirrors.h"

#include "common/host-sources.h"
#include "common/subproc.h"
#include "preseed/installer.h"

static bool is_security(const char *suite)
{
	return str_ends(suite, "-security");
}

/* "deb URI SUITE main" lines: the first that is for security, or is not. */
static char *pick(const struct strv *lines, bool security)
{
	for (size_t i = 0; i < lines->count; i++) {
		_cleanup_strv_ struct strv word = STRV_INIT;
		strv_split(&word, lines->items[i], " ");
		if (word.count < 3 || is_security(word.items[2]) != security)
			continue;
		size_t len = strlen(word.items[1]);
		while (len && word.items[1][len - 1] == '/')
			len--;
		return xstrndup(word.items[1], len);
	}
	return NULL;
}

/* apt's own proxy for http, "" for none. */
static int ask_proxy(char **out, struct err *err)
{
	const char *argv[] = { "apt-config", "dump", "--no-empty", "--format", "%v%n",
			       "Acquire::http::Proxy", NULL };
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	struct subproc spec = { .argv = argv, .output = &output, .quiet = true };
	if (subproc_run(&spec, NULL, err) != 0)
		return err_prefix(err, "cannot ask apt for this machine's proxy; a Proxy: (or "
				  "none) in the site's file avoids it");
	const char *line = output.data ? output.data : "";
	*out = xstrndup(line, strcspn(line, "\n"));
	if (str_eq(*out, "DIRECT"))
		(*out)[0] = '\0';
	return 0;
}

void mirror_url_split(const char *url, struct mirror_url *out)
{
	const char *host = strstr(url, "://");
	out->protocol = xstrndup(url, host ? (size_t)(host - url) : 0);
	host = host ? host + 3 : url;
	size_t len = strcspn(host, "/");
	size_t end = strlen(host);
	while (end > len && host[end - 1] == '/')
		end--;
	out->host = xstrndup(host, len);
	out->directory = end > len ? xstrndup(host + len, end - len) : xstrdup("/");
}

void mirror_url_destroy(struct mirror_url *url)
{
	free(url->protocol);
	free(url->host);
	free(url->directory);
	*url = (struct mirror_url){ 0 };
}

/* apt-setup knows the host only and adds the rest itself (its generator 91security). */
static int check_security(const char *url, struct err *err)
{
	struct mirror_url part = { 0 };
	if (!*url)
		return 0;
	mirror_url_split(url, &part);
	bool right = str_eq(part.protocol, "http") && str_eq(part.directory, "/debian-security");
	mirror_url_destroy(&part);
	return right ? 0
		     : err_set(err, ERR_INPUT, "Security-Mirror: '%s': debian-installer can only "
			       "use http://HOST/debian-security; name one in the site's file",
			       url);
}

static int check_mirror(const char *url, struct err *err)
{
	if (str_starts(url, "http://") || str_starts(url, "https://"))
		return 0;
	return err_set(err, ERR_INPUT, "Mirror: '%s' is of use to this machine only; name an "
		       "http:// or https:// one in the site's file", url);
}

int mirrors_complete(struct site_conf *conf, struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	if ((!conf->mirror || !conf->security_mirror) &&
	    sources_list(INSTALLER_SUITE, NULL, &lines, err) < 0)
		return -1;
	if (!conf->mirror)
		conf->mirror = pick(&lines, false);
	if (!conf->mirror)
		return err_set(err, ERR_NOT_FOUND, "apt on this machine knows no Debian mirror; "
			       "name a Mirror: in the site's file");
	if (!conf->security_mirror)
		conf->security_mirror = pick(&lines, true);
	if (!conf->security_mirror)
		return err_set(err, ERR_NOT_FOUND, "apt on this machine has no security updates; "
			       "name a Security-Mirror: in the site's file");
	if (!conf->proxy && ask_proxy(&conf->proxy, err) < 0)
		return -1;
	return check_mirror(conf->mirror, err) < 0 || check_security(conf->security_mirror, err) < 0
		       ? -1
		       : 0;
}
