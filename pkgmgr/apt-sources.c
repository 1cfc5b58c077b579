/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/apt-sources.h"

#include <dirent.h>
#include <errno.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/strv.h"

enum { MAX_BYTES = 256 * 1024, MAX_STANZAS = 1000 };
#define COPIES_DIR "var/lib/waybill/apt-sources"

static bool below(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static void write_stanza(const struct root *root, const struct deb822_stanza *stanza,
			 struct strbuf *out)
{
	for (size_t i = 0; i < stanza->count; i++) {
		const char *name = stanza->fields[i].name, *value = stanza->fields[i].value;
		_cleanup_free_ char *moved = NULL;
		if (strcasecmp(name, "Signed-By") == 0 && value[0] == '/' &&
		    !below(value, root->dir))
			value = moved = root_path(root, "%s", value + 1);
		deb822_write(out, name, value);
	}
	strbuf_addc(out, '\n');
}

/* Readers may run beside us: a copy is replaced only when it differs. */
static int write_if_changed(const char *path, const char *data, size_t len, struct err *err)
{
	_cleanup_err_ struct err ignored = ERR_INIT;
	_cleanup_free_ char *old = NULL;
	size_t old_len = 0;
	if (file_read(path, MAX_BYTES, &old, &old_len, &ignored) == 0 && old_len == len &&
	    memcmp(old, data, len) == 0)
		return 0;
	return atomic_file_write(path, data, len, 0644, err);
}

static int copy_sources(const struct root *root, const char *from, const char *to,
			struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (deb822_read_file(from, MAX_BYTES, MAX_STANZAS, &doc, err) < 0)
		return -1;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	for (size_t i = 0; i < doc->count; i++)
		write_stanza(root, &doc->stanzas[i], &text);
	return write_if_changed(to, text.data ? text.data : "", text.len, err);
}

static int copy_verbatim(const char *from, const char *to, struct err *err)
{
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	if (file_read(from, MAX_BYTES, &data, &len, err) < 0)
		return -1;
	return write_if_changed(to, data, len, err);
}

static bool is_source(const char *name)
{
	return name[0] != '.' && (str_ends(name, ".sources") || str_ends(name, ".list"));
}

static int list_sources(const char *dir, struct strv *names, struct err *err)
{
	DIR *listing = opendir(dir);
	if (!listing)
		return errno == ENOENT ? 0 : err_sys(err, "list %s", dir);
	for (const struct dirent *e = readdir(listing); e; e = readdir(listing))
		if (is_source(e->d_name))
			strv_add(names, e->d_name);
	closedir(listing);
	return 0;
}

static int copy_all(const struct root *root, const struct strv *names, const char *from_dir,
		    const char *to_dir, struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i];
		_cleanup_free_ char *from = xasprintf("%s/%s", from_dir, name);
		_cleanup_free_ char *to = xasprintf("%s/%s", to_dir, name);
		if (str_ends(name, ".sources") ? copy_sources(root, from, to, err) < 0
					       : copy_verbatim(from, to, err) < 0)
			return -1;
	}
	return 0;
}

static int drop_stale(const struct strv *names, const char *dir, struct err *err)
{
	_cleanup_strv_ struct strv copies = STRV_INIT;
	if (list_sources(dir, &copies, err) < 0)
		return -1;
	for (size_t i = 0; i < copies.count; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, copies.items[i]);
		if (!strv_contains(names, copies.items[i]) && atomic_unlink(path, err) < 0)
			return -1;
	}
	return 0;
}

int sources_prepare(const struct root *root, char **dir, struct err *err)
{
	*dir = NULL;
	_cleanup_free_ char *from = root_path(root, "etc/apt/sources.list.d");
	_cleanup_free_ char *to = root_path(root, COPIES_DIR);
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (make_dirs(to, 0755, err) < 0 || list_sources(from, &names, err) < 0 ||
	    copy_all(root, &names, from, to, err) < 0 || drop_stale(&names, to, err) < 0)
		return -1;
	*dir = steal(&to);
	return 0;
}
