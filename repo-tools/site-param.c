/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/site-param.h"

#include <dirent.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/hash.h"
#include "repo-tools/site.h"

#define PARAM_MAX_BYTES (64 * 1024)

/* NAME of an assignment: a parameter ([A-Z][A-Z0-9_]*) or what overrides a field. */
static bool name_is_known(const char *name)
{
	static const char *const overrides[] = { "Ports", "Memory", "Vcpus" };
	for (size_t i = 0; i < ARRAY_SIZE(overrides); i++)
		if (str_eq(name, overrides[i]))
			return true;
	return *name >= 'A' && *name <= 'Z' && strlen(name) <= 64 &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(name);
}

static int check(const char *text, size_t len, const char *origin, struct deb822 **doc,
		 struct err *err)
{
	if (deb822_parse(text, len, 1, origin, doc, err) < 0)
		return -1;
	const struct deb822_stanza *stanza = (*doc)->count ? &(*doc)->stanzas[0] : NULL;
	for (size_t i = 0; stanza && i < stanza->count; i++)
		if (!name_is_known(stanza->fields[i].name))
			return err_set(err, ERR_INPUT,
				       "%s: '%s' is neither Ports, Memory, Vcpus nor a parameter "
				       "(capitals, digits and _)",
				       origin, stanza->fields[i].name);
	return 0;
}

int site_param_names(const struct repo *repo, const char *site, struct strv *names,
		     struct err *err)
{
	_cleanup_free_ char *path = site_path(repo, site, "params");
	DIR *dir = opendir(path);
	if (!dir)
		return err_sys(err, "cannot read %s", path);
	for (struct dirent *e; (e = readdir(dir));)
		if (name_is_valid(e->d_name))
			strv_add(names, e->d_name);
	closedir(dir);
	strv_sort(names);
	return 0;
}

int site_param_read(const struct repo *repo, const char *site, const char *appliance,
		    struct strbuf *text, struct err *err)
{
	size_t len;
	_cleanup_free_ char *bytes = NULL;
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_free_ char *path = site_path(repo, site, "params/%s", appliance);
	strbuf_reset(text);
	strbuf_adds(text, "");
	if (!file_exists(path))
		return 0;
	if (file_read(path, PARAM_MAX_BYTES, &bytes, &len, err) < 0 ||
	    check(bytes, len, path, &doc, err) < 0)
		return -1;
	strbuf_add(text, bytes, len);
	return 0;
}

static void add_to_list(struct site_list *list, const char *appliance, const struct strbuf *text)
{
	list->params = xrealloc(list->params, (list->param_count + 1) * sizeof(*list->params));
	struct site_list_param *param = &list->params[list->param_count++];
	param->appliance = xstrdup(appliance);
	param->size_bytes = text->len;
	sha256_hex(text->data, text->len, param->sha256);
}

int site_param_list(const struct repo *repo, const char *site, const char *copy_dir,
		    struct site_list *list, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (site_param_names(repo, site, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_free_ char *to = copy_dir ? xasprintf("%s/%s", copy_dir, names.items[i])
						   : NULL;
		_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
		if (site_param_read(repo, site, names.items[i], &text, err) < 0 ||
		    (to && atomic_file_write(to, text.data, text.len, 0600, err) < 0))
			return -1;
		add_to_list(list, names.items[i], &text);
	}
	return 0;
}

int site_param_edit(const char *text, size_t len, const char *assignment, const char *origin,
		    struct strbuf *out, struct err *err)
{
	const char *equals = strchr(assignment, '=');
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (!equals)
		return err_set(err, ERR_USAGE, "'%s' is not of the form NAME=VALUE", assignment);
	_cleanup_free_ char *name = xstrndup(assignment, (size_t)(equals - assignment));
	const char *value = equals + 1;
	if (!name_is_known(name))
		return err_set(err, ERR_USAGE,
			       "'%s' is neither Ports, Memory, Vcpus nor a parameter's name "
			       "(capitals, digits and _)",
			       name);
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			return err_set(err, ERR_USAGE, "%s: a value is one line of text", name);
	if (check(text, len, origin, &doc, err) < 0)
		return -1;
	const struct deb822_stanza *stanza = doc->count ? &doc->stanzas[0] : NULL;
	bool found = false;
	for (size_t i = 0; stanza && i < stanza->count; i++) {
		const struct deb822_field *field = &stanza->fields[i];
		bool same = str_eq(field->name, name);
		found |= same;
		if (!same || *value)
			deb822_write(out, field->name, same ? value : field->value);
	}
	if (*value && !found)
		deb822_write(out, name, value);
	return 0;
}

int site_param_set(const struct repo *repo, const char *site, const char *appliance,
		   const char *const *assignments, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *path = site_path(repo, site, "params/%s", appliance);
	if (!name_is_valid(appliance))
		return err_set(err, ERR_USAGE, "'%s' is no appliance name", appliance);
	if (site_param_read(repo, site, appliance, &text, err) < 0)
		return -1;
	for (size_t i = 0; assignments[i]; i++) {
		_cleanup_strbuf_ struct strbuf edited = STRBUF_INIT;
		if (site_param_edit(text.data, text.len, assignments[i], path, &edited, err) < 0)
			return -1;
		strbuf_reset(&text);
		strbuf_add(&text, edited.data ? edited.data : "", edited.len);
	}
	if (text.len > PARAM_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "%s would be larger than 64 KiB", path);
	return text.len ? atomic_file_write(path, text.data, text.len, 0600, err)
			: atomic_unlink(path, err);
}
