/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/bundle.h"

#include <glob.h>

#include "common/archive-util.h"
#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/enrol.h"
#include "repo-tools/ssh-key.h"

#define KEYRING_MAX_BYTES (1024 * 1024)

static int add_file(struct archive *a, const char *path, mode_t mode, const char *data,
		    size_t len, struct err *err)
{
	_cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_size(entry, (la_int64_t)len);
	archive_entry_set_mtime(entry, time_now_reproducible(), 0);
	archive_entry_set_uname(entry, "root");
	archive_entry_set_gname(entry, "root");
	if (archive_write_header(a, entry) != ARCHIVE_OK ||
	    archive_write_data(a, data, len) != (la_ssize_t)len)
		return err_set(err, ERR_SYSTEM, "cannot write %s into the tar: %s", path,
			       archive_error_string(a));
	return 0;
}

static int add_text(struct archive *a, const char *path, const struct strbuf *text,
		    struct err *err)
{
	return add_file(a, path, 0644, text->data, text->len, err);
}

static int add_conf(struct archive *a, const struct repo *repo, const char *site,
		    struct err *err)
{
	_cleanup_strbuf_ struct strbuf conf = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf sources = STRBUF_INIT;
	_cleanup_free_ char *port = xasprintf("%u", repo->conf->port);
	if (site)
		deb822_write(&conf, "Site", site);
	deb822_write(&conf, "Server", repo->conf->server);
	deb822_write(&conf, "Port", port);
	deb822_write(&conf, "Origin", repo->conf->origin);
	deb822_write(&sources, "Types", "deb");
	deb822_write(&sources, "URIs", repo->conf->url);
	deb822_write(&sources, "Suites", repo->conf->suites.items[0]);
	deb822_write(&sources, "Components", REPO_COMPONENT);
	deb822_write(&sources, "Signed-By", "/etc/waybill/trust.d/repository.gpg");
	return add_text(a, "etc/waybill/pkgmgr.conf", &conf, err) < 0 ||
			       add_text(a, "etc/apt/sources.list.d/waybill.sources", &sources,
					err) < 0
		       ? -1
		       : 0;
}

static int add_keyring(struct archive *a, const struct repo *repo, const char *name,
		       struct err *err)
{
	size_t len;
	_cleanup_free_ char *bytes = NULL;
	_cleanup_free_ char *from = repo_path(repo, "conf/trust/%s", name);
	_cleanup_free_ char *to = xasprintf("etc/waybill/trust.d/%s", name);
	if (file_read(from, KEYRING_MAX_BYTES, &bytes, &len, err) < 0)
		return -1;
	return add_file(a, to, 0644, bytes, len, err);
}

/* "hq.example.org", or "[hq.example.org]:2222" as known_hosts has it. */
static char *host_pattern(const struct repo_conf *conf)
{
	const char *host = strchr(conf->server, '@') + 1;
	return conf->port == 22 ? xstrdup(host) : xasprintf("[%s]:%u", host, conf->port);
}

static int add_host_key(const char *file, const char *pattern, struct strbuf *known_hosts,
			struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *key = NULL;
	if (file_read(file, SSH_KEY_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	if (ssh_key_parse(text, &key, err) < 0)
		return err_prefix(err, "%s", file);
	strbuf_addf(known_hosts, "%s %s\n", pattern, key);
	return 0;
}

/* conf/host-keys if init was given one, else those of this machine's sshd. */
static int add_known_hosts(struct archive *a, const struct repo *repo, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *pattern = host_pattern(repo->conf);
	_cleanup_free_ char *own = repo_path(repo, "conf/host-keys");
	glob_t found = { 0 };
	int result = 0;
	if (file_exists(own)) {
		result = add_host_key(own, pattern, &text, err);
	} else if (glob("/etc/ssh/ssh_host_*_key.pub", 0, NULL, &found) == 0) {
		for (size_t i = 0; result == 0 && i < found.gl_pathc; i++)
			result = add_host_key(found.gl_pathv[i], pattern, &text, err);
		globfree(&found);
	} else {
		result = err_set(err, ERR_NOT_FOUND,
				 "this machine has no sshd host key in /etc/ssh; put the public "
				 "host key of %s into %s",
				 repo->conf->server, own);
	}
	return result < 0 ? -1 : add_text(a, "etc/waybill/ssh/known_hosts", &text, err);
}

static int add_ticket(struct archive *a, const struct enrol_ticket *ticket, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	enrol_ticket_format(ticket, &text);
	return add_file(a, ENROL_TICKET_PATH, 0600, text.data, text.len, err);
}

static int check_conf(const struct repo *repo, struct err *err)
{
	if (repo->conf->url && repo->conf->server && strchr(repo->conf->server, '@'))
		return 0;
	return err_set(err, ERR_USAGE,
		       "a site must know %s; set %s in %s/conf/repo.conf",
		       repo->conf->url ? "where the gate is" : "where public/ is served",
		       repo->conf->url ? "Server (USER@HOST)" : "Url", repo->dir);
}

int bundle_write(const struct repo *repo, const char *site, const struct enrol_ticket *ticket,
		 struct strbuf *out, struct err *err)
{
	_cleanup_(archive_write_freep) struct archive *a = archive_write_new();
	if (check_conf(repo, err) < 0)
		return -1;
	if (archive_write_set_format_ustar(a) != ARCHIVE_OK ||
	    archive_write_open_strbuf(a, out) != ARCHIVE_OK)
		return err_set(err, ERR_SYSTEM, "cannot write a tar: %s",
			       archive_error_string(a));
	if (add_conf(a, repo, site, err) < 0 ||
	    add_keyring(a, repo, "repository.gpg", err) < 0 ||
	    add_keyring(a, repo, "site-list.gpg", err) < 0 || add_known_hosts(a, repo, err) < 0 ||
	    (ticket && add_ticket(a, ticket, err) < 0))
		return -1;
	if (archive_write_close(a) != ARCHIVE_OK)
		return err_set(err, ERR_SYSTEM, "cannot write a tar: %s",
			       archive_error_string(a));
	return 0;
}
