/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/stick-packages.h"

#include <dirent.h>
#include <fts.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/hash.h"
#include "preseed/tool.h"

enum { MAX_INDEX_BYTES = 64 << 20, MAX_STANZAS = 100000, MIN_FAT_BYTES = 40 << 20 };

/* What the installation itself takes from the stick (preseed.c). */
static bool is_installed_at_once(const char *name)
{
	return str_eq(name, "waybill-site") || str_eq(name, "waybill-hostconfig");
}

static const struct deb822_stanza *newest(const struct deb822 *index, const char *name)
{
	const struct deb822_stanza *best = NULL;
	for (size_t i = 0; i < index->count; i++) {
		const struct deb822_stanza *s = &index->stanzas[i];
		const char *version = deb822_get(s, "Version");
		if (!str_same(deb822_get(s, "Package"), name) || !version)
			continue;
		if (!best || version_compare(version, deb822_get(best, "Version")) > 0)
			best = s;
	}
	return best;
}

/* What stands in one line of first-sync, and leads nowhere else. */
static bool is_pool_path(const char *path)
{
	return str_starts(path, "pool/") && !strstr(path, "..") && !strpbrk(path, " \t\r\n");
}

int stick_packages_find(const struct deb822 *index, const char *name, const char **path,
			const char **sha256, struct err *err)
{
	const struct deb822_stanza *stanza = newest(index, name);
	if (!stanza)
		return err_set(err, ERR_NOT_FOUND, "its index has no package %s; publish it "
			       "with imagerepo add", name);
	*path = deb822_get(stanza, "Filename");
	*sha256 = deb822_get(stanza, "SHA256");
	if (!*path || !is_pool_path(*path) || !*sha256 || !sha256_is_valid(*sha256))
		return err_set(err, ERR_INPUT, "its index has no file for %s", name);
	return 0;
}

/* Copy public/<path> to tree/<path>; the hash may be NULL. */
static int copy(const char *public_dir, const char *tree, const char *path, const char *sha256,
		uint64_t *total, struct err *err)
{
	_cleanup_free_ char *from = xasprintf("%s/%s", public_dir, path);
	_cleanup_free_ char *to = xasprintf("%s/%s", tree, path);
	_cleanup_free_ char *dir = xstrndup(to, (size_t)(strrchr(to, '/') - to));
	_cleanup_strv_ struct strv args = STRV_INIT;
	char hex[SHA256_HEX_LEN + 1];
	uint64_t size = 0;
	strv_addv(&args, "cp", "--reflink=auto", "--", from, to, NULL);
	if (make_dirs(dir, 0755, err) < 0 || tool_run(&args, err) < 0 ||
	    sha256_file(to, hex, &size, err) < 0)
		return -1;
	if (sha256 && !str_eq(hex, sha256))
		return err_set(err, ERR_INPUT, "%s is not what the repository's index says; run "
			       "imagerepo verify", from);
	*total += size;
	return 0;
}

static int copy_package(const struct stick_packages *packages, const struct deb822 *index,
			const char *name, const char *tree, struct strbuf *first_sync,
			uint64_t *total, struct err *err)
{
	const char *path, *sha256;
	if (stick_packages_find(index, name, &path, &sha256, err) < 0)
		return err_prefix(err, "suite %s in %s", packages->suite, packages->public_dir);
	if (!is_installed_at_once(name))
		strbuf_addf(first_sync, "%s %s\n", sha256, path);
	return copy(packages->public_dir, tree, path, sha256, total, err);
}

/* dists/<suite>, a link to a directory, as plain files. */
static int copy_dists(const struct stick_packages *packages, const char *tree, uint64_t *total,
		      struct err *err)
{
	_cleanup_free_ char *link = xasprintf("%s/dists/%s/", packages->public_dir,
					      packages->suite);
	_cleanup_free_ char *dists = realpath(link, NULL);
	char *roots[] = { dists, NULL };
	int result = 0;
	FTSENT *entry;
	if (!dists)
		return err_sys(err, "%s", link);
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!fts)
		return err_sys(err, "cannot read %s", dists);
	while (result == 0 && (entry = fts_read(fts))) {
		if (entry->fts_info != FTS_F)
			continue;
		_cleanup_free_ char *path = xasprintf("dists/%s%s", packages->suite,
						      entry->fts_path + strlen(dists));
		result = copy(packages->public_dir, tree, path, NULL, total, err);
	}
	fts_close(fts);
	return result;
}

int stick_packages_image(const char *tree, uint64_t total_bytes, const char *image,
			 struct err *err)
{
	/* Clusters half empty, directories, two tables: an eighth and what FAT32 needs at least. */
	uint64_t size = total_bytes + total_bytes / 8 + MIN_FAT_BYTES;
	_cleanup_free_ char *sectors = xasprintf("%llu", (unsigned long long)(size / 512));
	_cleanup_strv_ struct strv format = STRV_INIT;
	_cleanup_strv_ struct strv fill = STRV_INIT;
	_cleanup_strv_ struct strv entries = STRV_INIT;
	struct dirent *entry;
	DIR *dir = opendir(tree);
	if (!dir)
		return err_sys(err, "cannot read %s", tree);
	strv_addv(&format, "mformat", "-i", image, "-C", "-F", "-h", "64", "-s", "32", "-T",
		  sectors, "-N", "57425047", "-v", STICK_PACKAGES_LABEL, "::", NULL);
	strv_addv(&fill, "mcopy", "-i", image, "-s", "-Q", NULL);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			strv_add(&entries, entry->d_name);
	closedir(dir);
	strv_sort(&entries);
	for (size_t i = 0; i < entries.count; i++)
		strv_addf(&fill, "%s/%s", tree, entries.items[i]);
	strv_add(&fill, "::/");
	return tool_run(&format, err) < 0 ? -1 : tool_run(&fill, err);
}

int stick_packages_collect(const struct stick_packages *packages, const char *tree,
			   uint64_t *total_bytes, struct err *err)
{
	_cleanup_free_ char *list = xasprintf("%s/first-sync", tree);
	_cleanup_free_ char *path = xasprintf("%s/dists/%s/main/binary-amd64/Packages",
					      packages->public_dir, packages->suite);
	_cleanup_(deb822_freep) struct deb822 *index = NULL;
	_cleanup_strbuf_ struct strbuf first_sync = STRBUF_INIT;
	if (deb822_read_file(path, MAX_INDEX_BYTES, MAX_STANZAS, &index, err) < 0 ||
	    make_dirs(tree, 0755, err) < 0 ||
	    copy_dists(packages, tree, total_bytes, err) < 0)
		return err_prefix(err, "--with-packages");
	for (size_t i = 0; i < packages->names->count; i++)
		if (copy_package(packages, index, packages->names->items[i], tree, &first_sync,
				 total_bytes, err) < 0)
			return err_prefix(err, "--with-packages");
	return atomic_file_write(list, first_sync.data ? first_sync.data : "", first_sync.len,
				 0644, err);
}
