/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/bundle.h"

#include "common/archive-util.h"
#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/strv.h"

enum { MAX_TAR_BYTES = 4 << 20, MAX_PART_BYTES = 1 << 20 };

#define CONF "etc/waybill/pkgmgr.conf"
#define SOURCES "etc/apt/sources.list.d/waybill.sources"
#define REPOSITORY_KEY "etc/waybill/trust.d/repository.gpg"
#define LIST_KEY "etc/waybill/trust.d/site-list.gpg"
#define KNOWN_HOSTS "etc/waybill/ssh/known_hosts"
#define ENROLMENT "etc/waybill/enrolment"

/* One required field of a one-stanza file, copied. */
static char *field(const struct deb822 *doc, const char *name)
{
	const char *value = doc->count ? deb822_get(&doc->stanzas[0], name) : NULL;
	return value && *value ? xstrdup(value) : NULL;
}

static int take_sources(struct bundle *bundle, const struct deb822 *doc, struct err *err)
{
	bundle->uri = field(doc, "URIs");
	bundle->suite = field(doc, "Suites");
	bundle->components = field(doc, "Components");
	if (!bundle->uri || !bundle->suite || !bundle->components)
		return err_set(err, ERR_INPUT, SOURCES " lacks URIs, Suites or Components");
	const char *fields[] = { bundle->uri, bundle->suite, bundle->components };
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strpbrk(fields[i], " \t\n[]\\"))
			return err_set(err, ERR_INPUT,
				       SOURCES ": '%s': one address, suite and component is all "
				       "that an installer's source can have", fields[i]);
	return 0;
}

static int take_enrolment(struct bundle *bundle, const struct deb822 *doc, struct err *err)
{
	_cleanup_free_ char *format = field(doc, "Format");
	_cleanup_free_ char *since = field(doc, "Not-Before");
	bundle->token = field(doc, "Token");
	if (!str_same(format, "waybill-enrolment 1"))
		return err_set(err, ERR_INPUT, ENROLMENT ": Format is not waybill-enrolment 1; "
			       "make the bundle with this version's imagerepo");
	if (!bundle->token || !str_starts(bundle->token, "wb1-") || !since)
		return err_set(err, ERR_INPUT, ENROLMENT " lacks a token or Not-Before");
	return time_parse(since, &bundle->not_before, ENROLMENT ": Not-Before", err);
}

/* One file of the tar. */
static int take_part(struct bundle *bundle, const char *name, const char *data, size_t len,
		     struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (memmem(data, len, "PRIVATE KEY", strlen("PRIVATE KEY")))
		return err_set(err, ERR_INPUT, "%s holds a private key, and a stick gets lost; "
			       "the site makes its own", name);
	if (str_eq(name, REPOSITORY_KEY)) {
		bundle->repository_key = xmalloc(len + 1);
		memcpy(bundle->repository_key, data, len);
		bundle->repository_key_len = len;
		return 0;
	}
	bool conf = str_eq(name, CONF);
	bool sources = str_eq(name, SOURCES);
	if (!conf && !sources && !str_eq(name, ENROLMENT))
		return 0;
	if (deb822_parse(data, len, 1, name, &doc, err) < 0)
		return -1;
	if (conf)
		bundle->site = field(doc, "Site");
	return conf ? 0 : sources ? take_sources(bundle, doc, err)
				  : take_enrolment(bundle, doc, err);
}

static int check_entry(struct archive_entry *entry, struct err *err)
{
	const char *name = archive_entry_pathname(entry);
	if (!name || !str_starts(name, "etc/") || strstr(name, "..") ||
	    archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
		return err_set(err, ERR_INPUT, "'%s' is no plain file below etc/",
			       name ? name : "");
	if (archive_entry_size(entry) < 0 || archive_entry_size(entry) > MAX_PART_BYTES)
		return err_set(err, ERR_TOO_LARGE, "%s is larger than 1 MiB", name);
	return 0;
}

static int read_parts(struct archive *a, struct bundle *bundle, struct strv *seen,
		      struct err *err)
{
	struct archive_entry *entry;
	int result;
	while ((result = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
		if (check_entry(entry, err) < 0)
			return -1;
		const char *name = archive_entry_pathname(entry);
		size_t len = (size_t)archive_entry_size(entry);
		_cleanup_free_ char *data = xcalloc(1, len + 1);
		if (archive_read_data(a, data, len) != (la_ssize_t)len)
			return err_set(err, ERR_INPUT, "%s is cut short", name);
		strv_add(seen, name);
		if (take_part(bundle, name, data, len, err) < 0)
			return -1;
	}
	return result == ARCHIVE_EOF ? 0
				     : err_set(err, ERR_INPUT, "no tar: %s",
					       archive_error_string(a));
}

static int check_parts(const struct strv *seen, struct err *err)
{
	static const char *const needed[] = { CONF, SOURCES, REPOSITORY_KEY, LIST_KEY,
					      KNOWN_HOSTS };
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!strv_contains(seen, needed[i]))
			return err_set(err, ERR_INPUT, "it lacks %s; make it with imagerepo site "
				       "bundle", needed[i]);
	return 0;
}

int bundle_parse(const void *tar, size_t len, const char *origin, struct bundle **out,
		 struct err *err)
{
	_cleanup_(archive_read_freep) struct archive *a = archive_read_new();
	_cleanup_(bundle_freep) struct bundle *bundle = xcalloc(1, sizeof(*bundle));
	_cleanup_strv_ struct strv seen = STRV_INIT;
	*out = NULL;
	archive_read_support_format_tar(a);
	if (archive_read_open_memory(a, tar, len) != ARCHIVE_OK)
		return err_set(err, ERR_INPUT, "%s: no bundle: %s", origin,
			       archive_error_string(a));
	if (read_parts(a, bundle, &seen, err) < 0 || check_parts(&seen, err) < 0)
		return err_prefix(err, "bundle %s", origin);
	if (bundle->site && !site_name_is_valid(bundle->site))
		return err_set(err, ERR_INPUT, "bundle %s: Site: '%s' is no site's name", origin,
			       bundle->site);
	bundle->tar = xmalloc(len);
	memcpy(bundle->tar, tar, len);
	bundle->tar_len = len;
	*out = steal(&bundle);
	return 0;
}

int bundle_read(const char *path, struct bundle **out, struct err *err)
{
	_cleanup_free_ char *tar = NULL;
	size_t len;
	*out = NULL;
	if (file_read(path, MAX_TAR_BYTES, &tar, &len, err) < 0)
		return err_prefix(err, "bundle");
	return bundle_parse(tar, len, path, out, err);
}

void bundle_free(struct bundle *bundle)
{
	if (!bundle)
		return;
	free(bundle->tar);
	free(bundle->site);
	free(bundle->uri);
	free(bundle->suite);
	free(bundle->components);
	free(bundle->repository_key);
	free(bundle->token);
	free(bundle);
}
