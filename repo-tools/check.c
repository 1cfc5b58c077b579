/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/check.h"

#include "common/atomic-file.h"
#include "common/hash.h"
#include "common/pgp.h"
#include "common/progress.h"
#include "repo-tools/deltas.h"
#include "repo-tools/index.h"
#include "repo-tools/release.h"
#include "repo-tools/site.h"

#define INDEX_MAX_BYTES (256u * 1024 * 1024)

struct check {
	struct repo *repo;
	struct check_result *result;
	struct progress *progress;
};

void check_result_destroy(struct check_result *result)
{
	strv_destroy(&result->problems);
}

/* An error of one object becomes a line; the check goes on. */
static void note(struct check *check, struct err *err)
{
	strv_add(&check->result->problems, err->msg);
	err_clear(err);
}

/* ---- suites ---- */

static int check_index_file(const char *suite_dir, const struct release_file *file,
			    struct err *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	uint64_t size_bytes;
	const char *slash = strrchr(file->path, '/');
	_cleanup_free_ char *by_name = xasprintf("%s/%s", suite_dir, file->path);
	_cleanup_free_ char *by_hash =
		xasprintf("%s/%.*s/by-hash/SHA256/%s", suite_dir,
			  slash ? (int)(slash - file->path) : 0, file->path, file->sha256);
	const char *const paths[] = { by_name, by_hash };
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (sha256_file(paths[i], sha256, &size_bytes, err) < 0)
			return -1;
		if (!str_eq(sha256, file->sha256) || size_bytes != file->size_bytes)
			return err_set(err, ERR_INPUT, "%s is not what Release says; run "
				       "'imagerepo resign' to write it again", paths[i]);
	}
	return 0;
}

static int read_release(struct check *check, const char *dir, struct release *release,
			struct err *err)
{
	size_t in_len, len, sig_len;
	_cleanup_free_ char *in_path = xasprintf("%s/InRelease", dir);
	_cleanup_free_ char *path = xasprintf("%s/Release", dir);
	_cleanup_free_ char *sig_path = xasprintf("%s/Release.gpg", dir);
	_cleanup_free_ char *in_text = NULL, *text = NULL, *sig = NULL;
	_cleanup_free_ char *key = repo_path(check->repo, "conf/trust/repository.gpg");
	_cleanup_strbuf_ struct strbuf inside = STRBUF_INIT;
	const char *const keys[] = { key, NULL };
	if (file_read(in_path, RELEASE_MAX_BYTES, &in_text, &in_len, err) < 0 ||
	    file_read(path, RELEASE_MAX_BYTES, &text, &len, err) < 0 ||
	    file_read(sig_path, RELEASE_MAX_BYTES, &sig, &sig_len, err) < 0)
		return -1;
	if (pgp_verify_clearsigned(keys, in_text, in_len, &inside, NULL, err) < 0)
		return err_prefix(err, "%s", in_path);
	if (pgp_verify_detached(keys, text, len, sig, sig_len, NULL, err) < 0)
		return err_prefix(err, "%s", sig_path);
	if (inside.len != len || memcmp(inside.data, text, len) != 0)
		return err_set(err, ERR_INPUT, "%s and InRelease differ", path);
	return release_parse(text, len, path, release, err);
}

/* Packages must be what the index would write now. */
static int check_packages(struct check *check, const char *suite, const char *dir,
			  const char *architecture, struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	_cleanup_strbuf_ struct strbuf expected = STRBUF_INIT;
	_cleanup_free_ char *path =
		xasprintf("%s/" REPO_COMPONENT "/binary-%s/Packages", dir, architecture);
	if (file_read(path, INDEX_MAX_BYTES, &text, &len, err) < 0 ||
	    index_packages_text(check->repo->index, suite, architecture, &expected, err) < 0)
		return -1;
	if (len == expected.len && (len == 0 || memcmp(text, expected.data, len) == 0))
		return 0;
	return err_set(err, ERR_INCONSISTENT, "%s is not what index.db says; run 'imagerepo resign'",
		       path);
}

/* Deltas too, which is not there when there are none. */
static int check_deltas(struct check *check, const char *suite, const char *dir,
			const char *architecture, struct err *err)
{
	size_t len = 0;
	_cleanup_free_ char *text = NULL;
	_cleanup_strbuf_ struct strbuf expected = STRBUF_INIT;
	_cleanup_free_ char *path =
		xasprintf("%s/" REPO_COMPONENT "/binary-%s/Deltas", dir, architecture);
	if (deltas_text(check->repo->index, suite, architecture, &expected, err) < 0)
		return -1;
	if (expected.len == 0 && !file_exists(path))
		return 0;
	if (file_read(path, INDEX_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	if (len == expected.len && (len == 0 || memcmp(text, expected.data, len) == 0))
		return 0;
	return err_set(err, ERR_INCONSISTENT, "%s is not what index.db says; run 'imagerepo resign'",
		       path);
}

static void check_suite(struct check *check, const char *suite)
{
	struct err err = ERR_INIT;
	_cleanup_release_ struct release release = { 0 };
	_cleanup_free_ char *dir = repo_path(check->repo, "public/dists/%s", suite);
	const struct strv *architectures = &check->repo->conf->architectures;
	check->result->suites++;
	if (read_release(check, dir, &release, &err) < 0) {
		note(check, &err);
		return;
	}
	if (release.valid_until < time_now_reproducible())
		strv_addf(&check->result->problems,
			  "suite %s has expired; run 'imagerepo resign' (from cron)", suite);
	for (size_t i = 0; i < release.file_count; i++)
		if (check_index_file(dir, &release.files[i], &err) < 0)
			note(check, &err);
	for (size_t i = 0; i < architectures->count; i++)
		if (check_packages(check, suite, dir, architectures->items[i], &err) < 0 ||
		    check_deltas(check, suite, dir, architectures->items[i], &err) < 0)
			note(check, &err);
}

/* ---- pool ---- */

static int add_size(const struct index_package *package, void *arg, struct err *err)
{
	*(uint64_t *)arg += package->size_bytes;
	return 0;
}

static int check_file(struct check *check, const char *below, const char *want, uint64_t want_bytes,
		      struct err *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	uint64_t size_bytes = 0;
	_cleanup_free_ char *path = repo_path(check->repo, "public/%s", below);
	if (sha256_file(path, sha256, &size_bytes, err) < 0)
		note(check, err);
	else if (!str_eq(sha256, want) || size_bytes != want_bytes)
		strv_addf(&check->result->problems,
			  "%s has changed since it was published (SHA-256 is %.12s..., was "
			  "%.12s...); put the original file back",
			  path, sha256, want);
	check->result->bytes += size_bytes;
	progress_add(check->progress, want_bytes);
	return 0;
}

static int check_package(const struct index_package *package, void *arg, struct err *err)
{
	struct check *check = arg;
	check->result->packages++;
	return check_file(check, package->path, package->sha256, package->size_bytes, err);
}

static int check_delta(const char *path, const char *sha256, uint64_t size_bytes, void *arg,
		       struct err *err)
{
	return check_file(arg, path, sha256, size_bytes, err);
}

static int check_pool(struct check *check, struct err *err)
{
	uint64_t total_bytes = 0;
	if (index_each(check->repo->index, NULL, NULL, NULL, add_size, &total_bytes, err) < 0)
		return -1;
	check->progress = progress_new("pool", total_bytes);
	int result = index_each(check->repo->index, NULL, NULL, NULL, check_package, check, err);
	if (result == 0)
		result = deltas_each(check->repo->index, false, check_delta, check, err);
	progress_free(check->progress);
	return result;
}

/* ---- sites ---- */

static void check_site(struct check *check, const char *site)
{
	struct err err = ERR_INIT;
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	check->result->sites++;
	if (site_read_signed(check->repo, site, &list, NULL, &err) < 0) {
		err_prefix(&err, "site %s", site);
		note(check, &err);
		return;
	}
	if (!str_eq(list->site, site))
		strv_addf(&check->result->problems, "site %s serves the list of %s", site,
			  list->site);
	if (list->valid_until < time_now_reproducible())
		strv_addf(&check->result->problems,
			  "the list of site %s has expired; run 'imagerepo resign' (from cron)",
			  site);
	if (site_check_served(check->repo, site, list, &err) < 0)
		note(check, &err);
}

int check_repository(struct repo *repo, struct check_result *result, struct err *err)
{
	struct check check = { repo, result, NULL };
	_cleanup_strv_ struct strv sites = STRV_INIT;
	if (site_names(repo, &sites, err) < 0)
		return -1;
	for (size_t i = 0; i < repo->conf->suites.count; i++)
		check_suite(&check, repo->conf->suites.items[i]);
	if (check_pool(&check, err) < 0)
		return -1;
	for (size_t i = 0; i < sites.count; i++)
		check_site(&check, sites.items[i]);
	return 0;
}
