/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/suites.h"

#include <ctype.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/strv.h"
#include "common/subproc.h"
#include "preseed/installer.h"
#include "preseed/tool.h"

enum { MAX_RELEASE_BYTES = 8 << 20 };

/* The three that d-i sets up in the new system, and where it looks for them. */
static const struct { const char *suffix, *place; } known[SUITES] = {
	[SUITE_RELEASE] = { "", "debian" },
	[SUITE_UPDATES] = { "-updates", "debian" },
	[SUITE_SECURITY] = { "-security", "debian-security" },
};

/* What debootstrap, apt and the installer read; the last two are the installer's. */
static const struct index {
	const char *directory, *file;
	bool needed, release_only;
} indexes[] = {
	{ "main/binary-amd64", "Packages.xz", true, false },
	{ "non-free-firmware/binary-amd64", "Packages.xz", false, false },
	{ "main/debian-installer/binary-amd64", "Packages.xz", true, true },
	{ "main/binary-amd64", "Release", true, true },
};

void suites_destroy(struct suites *suites)
{
	for (size_t i = 0; i < SUITES; i++) {
		free(suites->suite[i].name);
		free(suites->suite[i].uri);
		free(suites->suite[i].inrelease);
		strbuf_destroy(&suites->suite[i].release);
	}
	free(suites->udebs_path);
	*suites = (struct suites){ 0 };
}

/* Source of the frame: RFC 4880 section 7. */
int suite_take_release(struct suite *suite, struct err *err)
{
	const char *text = strstr(suite->inrelease, "\n\n");
	const char *end = text ? strstr(text, "\n-----BEGIN PGP SIGNATURE-----") : NULL;
	if (!end)
		return err_set(err, ERR_INPUT, "InRelease of %s is no signed text", suite->name);
	for (text += 2; text <= end; text++) {
		if (str_starts(text, "- "))
			text += 2;
		size_t len = strcspn(text, "\n");
		strbuf_add(&suite->release, text, len + 1);
		text += len;
	}
	return 0;
}

/* apt's name for the list that it keeps of a URI. Source: URItoFileName() of libapt-pkg. */
static char *list_name(const char *uri)
{
	_cleanup_strbuf_ struct strbuf name = STRBUF_INIT;
	const char *host = strstr(uri, "://");
	for (const char *p = host ? host + 3 : uri; *p; p++) {
		if (strchr("\\|{}[]<>\"^~_=!@#$%&*", *p))
			strbuf_addf(&name, "%%%02x", (unsigned char)*p);
		else
			strbuf_addc(&name, *p == '/' ? '_' : *p);
	}
	return strbuf_steal(&name);
}

/* "deb URI SUITE main", if it is this suite's. */
static int take_line(struct suite *suite, const struct apt_root *apt, const char *line,
		     struct err *err)
{
	_cleanup_strv_ struct strv word = STRV_INIT;
	strv_split(&word, line, " ");
	if (word.count < 3 || !str_eq(word.items[2], suite->name) || suite->uri)
		return 0;
	suite->uri = xasprintf("%s%s", word.items[1], str_ends(word.items[1], "/") ? "" : "/");
	_cleanup_free_ char *uri = xasprintf("%sdists/%s/InRelease", suite->uri, suite->name);
	_cleanup_free_ char *name = list_name(uri);
	_cleanup_free_ char *path = xasprintf("%s/state/lists/%s", apt->dir, name);
	if (file_read(path, MAX_RELEASE_BYTES, &suite->inrelease, &suite->inrelease_len, err) < 0)
		return err_prefix(err, "apt has not fetched %s", uri);
	return suite_take_release(suite, err);
}

/* Where apt keeps the index of the installer's components. */
static int find_udebs(const struct apt_root *apt, struct suites *out, struct err *err)
{
	_cleanup_strv_ struct strv args = STRV_INIT;
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;
	strv_addv(&args, "apt-get", "indextargets", "--format", "$(FILENAME)",
		  "Created-By: Packages", "Component: main/debian-installer", NULL);
	if (apt_root_run(apt, &args, &path, err) < 0)
		return -1;
	const char *first = path.data ? path.data : "";
	out->udebs_path = xstrndup(first, strcspn(first, "\n"));
	return *out->udebs_path ? 0
				: err_set(err, ERR_NOT_FOUND, "the mirror %s has no index of the "
					  "installer's components",
					  out->suite[SUITE_RELEASE].uri);
}

int suites_read(const struct apt_root *apt, const struct strv *lines, struct suites *out,
		struct err *err)
{
	for (size_t i = 0; i < SUITES; i++) {
		struct suite *suite = &out->suite[i];
		suite->name = xasprintf("%s%s", INSTALLER_SUITE, known[i].suffix);
		suite->place = known[i].place;
		for (size_t j = 0; j < lines->count; j++)
			if (take_line(suite, apt, lines->items[j], err) < 0)
				return -1;
		if (!suite->uri)
			return err_set(err, ERR_NOT_FOUND, "this machine's apt does not know a mirror "
				       "of %s; an offline stick needs it in its sources.list",
				       suite->name);
	}
	return find_udebs(apt, out, err);
}

/* "HASH SIZE NAME" in SHA256: of Release. */
static bool find_line(const struct deb822_stanza *release, const char *name, struct strv *word)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	const char *sums = deb822_get(release, "SHA256");
	strv_split(&lines, sums ? sums : "", "\n");
	for (size_t i = 0; i < lines.count; i++) {
		if (!str_ends(lines.items[i], name))
			continue;
		strv_destroy(word);
		strv_split(word, lines.items[i], " \t");
		if (word->count == 3 && str_eq(word->items[2], name))
			return true;
	}
	return false;
}

/* By its hash, so that a mirror that moves on meanwhile does no harm. On the stick it has its
 * plain name: apt and debootstrap take that where there is no other. */
static int add_index(const struct suite *suite, const struct deb822_stanza *release,
		     const struct index *index, struct remote_files *files, struct err *err)
{
	_cleanup_strv_ struct strv word = STRV_INIT;
	_cleanup_free_ char *path = xasprintf("%s/%s", index->directory, index->file);
	uint64_t size = 0;
	if (!find_line(release, path, &word))
		return index->needed ? err_set(err, ERR_INPUT, "%s lists no %s", suite->name, path)
				     : 0;
	_cleanup_free_ char *name = xasprintf("%s/dists/%s/%s", suite->place, suite->name, path);
	bool by_hash = str_same(deb822_get(release, "Acquire-By-Hash"), "yes");
	_cleanup_free_ char *uri =
		by_hash ? xasprintf("%sdists/%s/%s/by-hash/SHA256/%s", suite->uri, suite->name,
				    index->directory, word.items[0])
			: xasprintf("%sdists/%s/%s", suite->uri, suite->name, path);
	return number_parse(word.items[1], 0, INT64_MAX, &size, path, err) < 0
		       ? -1
		       : remote_files_add(files, uri, name, size, word.items[0], err);
}

static int parse_release(const struct suite *suite, struct deb822 **out, struct err *err)
{
	if (deb822_parse(suite->release.data, suite->release.len, 1, suite->name, out, err) < 0)
		return -1;
	if ((*out)->count == 1)
		return 0;
	deb822_free(steal(out));
	return err_set(err, ERR_INPUT, "Release of %s is empty", suite->name);
}

int suites_add_indexes(const struct suites *suites, struct remote_files *files,
		       struct err *err)
{
	for (size_t i = 0; i < SUITES; i++) {
		_cleanup_(deb822_freep) struct deb822 *doc = NULL;
		if (parse_release(&suites->suite[i], &doc, err) < 0)
			return -1;
		for (size_t j = 0; j < ARRAY_SIZE(indexes); j++)
			if ((i == SUITE_RELEASE || !indexes[j].release_only) &&
			    add_index(&suites->suite[i], &doc->stanzas[0], &indexes[j], files,
				      err) < 0)
				return -1;
	}
	return 0;
}

/* "%2b" -> "+": addresses are quoted, names of files are not. */
static char *unquote(const char *text)
{
	char *out = xcalloc(1, strlen(text) + 1);
	for (char *p = out; *text; p++) {
		unsigned byte = 0;
		bool quoted = text[0] == '%' && isxdigit((unsigned char)text[1]) &&
			      isxdigit((unsigned char)text[2]) &&
			      sscanf(text + 1, "%2x", &byte) == 1;
		*p = quoted ? (char)byte : *text;
		text += quoted ? 3 : 1;
	}
	return out;
}

int suites_add_packages(const struct suites *suites, const struct remote_files *found,
			struct remote_files *files, struct err *err)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct remote_file *file = &found->items[i];
		for (size_t j = 0; j < SUITES; j++) {
			const struct suite *suite = &suites->suite[j];
			if (!str_starts(file->uri, suite->uri))
				continue;
			_cleanup_free_ char *path = unquote(file->uri + strlen(suite->uri));
			_cleanup_free_ char *name = xasprintf("%s/%s", suite->place, path);
			if (remote_files_add(files, file->uri, name, file->size_bytes,
					     file->sha256, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* As the installer does it: one good signature is enough, of keys that it does not know it
 * says nothing. */
static int check_signature(const char *release, const char *signature, bool *good,
			   struct err *err)
{
	const char *argv[] = { "gpgv", "--status-fd", "1", "--ignore-time-conflict", "--keyring",
			       DEBIAN_KEYRING, signature, release, NULL };
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	_cleanup_err_ struct err words = ERR_INIT;
	struct subproc spec = { .argv = argv, .output = &output, .quiet = true,
				.timeout_ms = 60000 };
	if (subproc_run(&spec, NULL, &words) < 0 && words.code != ERR_PROGRAM)
		return err_set(err, words.code, "%s", words.msg);
	*good = output.data && strstr(output.data, "[GNUPG:] VALIDSIG ") &&
		!strstr(output.data, "[GNUPG:] BADSIG ");
	return 0;
}

/* The detached signature, the one thing that no hash is known of. */
static int get_signature(const struct suite *suite, const struct apt_root *apt,
			 const char *release, const char *path, struct err *err)
{
	_cleanup_strv_ struct strv args = STRV_INIT;
	_cleanup_free_ char *uri = xasprintf("%sdists/%s/Release.gpg", suite->uri, suite->name);
	bool good = false;
	if (file_exists(path) && check_signature(release, path, &good, err) < 0)
		return -1;
	if (good)
		return 0;
	unlink(path);
	strv_addv(&args, APT_HELPER, "-q", "download-file", uri, path, NULL);
	if (apt_root_run(apt, &args, NULL, err) < 0 ||
	    check_signature(release, path, &good, err) < 0)
		return -1;
	return good ? 0
		    : err_set(err, ERR_SIGNATURE, "%s does not fit InRelease beside it; is the "
			      "mirror being updated? Try again", uri);
}

static int write_file(const char *dir, const char *name, const char *data, size_t len,
		      struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	return atomic_file_write(path, data, len, 0644, err);
}

/* The installer looks into dists/stable and its like for the suite that its release is now, and
 * takes updates of nothing else. */
static int write_suite(const struct suite *suite, const char *tree, struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (parse_release(suite, &doc, err) < 0)
		return -1;
	const char *name = deb822_get(&doc->stanzas[0], "Suite");
	if (!name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz-")] || str_eq(name, suite->name))
		return 0;
	_cleanup_free_ char *dir = xasprintf("%s/%s/dists/%s", tree, suite->place, name);
	return make_dirs(dir, 0755, err) < 0 ? -1
					     : write_file(dir, "Release", suite->release.data,
							  suite->release.len, err);
}

static int write_signature(const struct suite *suite, const struct apt_root *apt,
			   const char *cache, const char *dir, struct err *err)
{
	_cleanup_free_ char *release = xasprintf("%s/Release", dir);
	_cleanup_free_ char *signature = xasprintf("%s/Release.gpg", dir);
	_cleanup_free_ char *kept = xasprintf("%s/%s-Release.gpg", cache, suite->name);
	_cleanup_free_ char *data = NULL;
	size_t len;
	if (atomic_file_write(release, suite->release.data, suite->release.len, 0644, err) < 0 ||
	    get_signature(suite, apt, release, kept, err) < 0 ||
	    file_read(kept, MAX_RELEASE_BYTES, &data, &len, err) < 0)
		return -1;
	return atomic_file_write(signature, data, len, 0644, err);
}

int suites_write_releases(const struct suites *suites, const struct apt_root *apt,
			  const char *cache, const char *tree, struct err *err)
{
	for (size_t i = 0; i < SUITES; i++) {
		const struct suite *suite = &suites->suite[i];
		_cleanup_free_ char *dir =
			xasprintf("%s/%s/dists/%s", tree, suite->place, suite->name);
		if (make_dirs(dir, 0755, err) < 0 ||
		    write_file(dir, "InRelease", suite->inrelease, suite->inrelease_len, err) < 0 ||
		    (i == SUITE_RELEASE && (write_signature(suite, apt, cache, dir, err) < 0 ||
					    write_suite(suite, tree, err) < 0)))
			return -1;
	}
	return 0;
}

char *suites_fresh_until(const struct suites *suites)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_err_ struct err ignored = ERR_INIT;
	if (parse_release(&suites->suite[SUITE_SECURITY], &doc, &ignored) < 0)
		return NULL;
	const char *until = deb822_get(&doc->stanzas[0], "Valid-Until");
	return until ? xstrdup(until) : NULL;
}
