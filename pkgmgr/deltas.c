/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/deltas.h"

#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/appliance-conf.h"
#include "common/atomic-file.h"
#include "common/delta-apply.h"
#include "common/log.h"
#include "pkgmgr/apt/apt.h"
#include "pkgmgr/basis-hash.h"
#include "pkgmgr/delta-choice.h"
#include "pkgmgr/fetch-files.h"
#include "pkgmgr/quit.h"

#define MAX_INDEX_BYTES (16u << 20)

/* Written here, and proven before it is called <sha256 of the package>.<its own>.deb: what a death leaves
 * under these names is of no use. */
#define REBUILDING ARCHIVES_DIR "/rebuilding.deb"
#define BETWEEN ARCHIVES_DIR "/between.deb"

struct indexes {
	const struct root *root;
	const struct fetch_policy *policy;
	struct delta_offers offers;
	uint64_t *received_bytes;
	struct strv *read;
};

static int read_index(struct indexes *in, const char *path, const char *base_uri, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (file_read(path, MAX_INDEX_BYTES, &text, &len, err) < 0)
		return -1;
	return delta_offers_parse(text, len, base_uri, &in->offers, err);
}

/* A mirror that has none, or a wrong one, is a mirror without deltas. */
static int on_index(const struct apt_deltas_index *index, void *arg, struct err *err)
{
	struct indexes *in = arg;
	_cleanup_strv_ struct strv uris = STRV_INIT;
	_cleanup_err_ struct err why = ERR_INIT;
	struct signed_file file = { .name = "Deltas", .sha256 = index->sha256, .uris = &uris,
				    .suffix = ".deltas", .size_bytes = index->size_bytes };
	strv_add(&uris, index->uri);
	int rc = index->size_bytes > MAX_INDEX_BYTES
			 ? err_set(&why, ERR_TOO_LARGE, "it is too large")
			 : fetch_file_there(in->root, &file, &why);
	strv_add(in->read, index->sha256);
	if (rc == 0 && !file.path)
		rc = fetch_files(in->root, in->policy, &file, 1, in->received_bytes, &why);
	if (rc == 0)
		rc = read_index(in, file.path, index->base_uri, &why);
	free(file.path);
	err_clear(&file.err);
	if (rc < 0 && why.code == ERR_CANCELLED)
		return err_set(err, why.code, "%s", why.msg);
	if (rc < 0)
		log_info("no deltas from %s: %s", index->uri, why.msg);
	return 0;
}

/* Only what was installed before can have a delta. */
static bool has_upgrade(const struct plan *plan)
{
	for (size_t i = 0; i < plan->action_count; i++)
		if (plan->actions[i].from_version && plan->actions[i].archive.data_sha256)
			return true;
	return false;
}

int deltas_plan(const struct root *root, const struct fetch_policy *policy, struct plan *plan,
		uint64_t *received_bytes, struct err *err)
{
	struct indexes in = { root, policy, { NULL, 0 }, received_bytes, &plan->delta_indexes };
	_cleanup_free_ char *cache = root_path(root, ARCHIVES_DIR);
	int rc = 0;
	if (!has_upgrade(plan))
		return 0;
	rc = make_dirs(cache, 0700, err);
	rc = rc < 0 ? rc : apt_deltas(on_index, &in, err);
	for (size_t i = 0; rc == 0 && i < plan->action_count; i++)
		delta_choose(&in.offers, &plan->actions[i]);
	delta_offers_destroy(&in.offers);
	return rc;
}

/* --- rebuilding ------------------------------------------------------------------------- */

/* A package that is rebuilt. */
struct work {
	const struct root *root;
	struct plan_action *action;
	struct signed_file files[PLAN_MAX_DELTAS];	/* its deltas */
	struct basis_hash basis;
};

/* What a delta says of itself is no more than a hint; where it ends is what was signed. */
static int check_ends(const struct plan_action *a, const struct delta *delta, bool first, bool last,
		      struct err *err)
{
	const struct delta_meta *meta = delta->meta;
	const struct plan_archive *archive = &a->archive;
	if (!str_eq(meta->package, a->package) || (first && !str_eq(meta->old_version, a->from_version)))
		return err_set(err, ERR_INPUT, "the delta is not one from %s %s", a->package,
			       a->from_version);
	if (!last)
		return 0;
	if (!str_eq(meta->data_sha256, archive->data_sha256) ||
	    meta->data_bytes != archive->data_bytes ||
	    !str_eq(meta->control_sha256, archive->control_sha256))
		return err_set(err, ERR_INPUT, "the delta does not make the signed %s %s", a->package,
			       a->to_version);
	return 0;
}

/* A chain's first delta may have been fetched hours ago. */
static int open_delta(const struct signed_file *file, struct delta **delta, struct err *err)
{
	int good = fetch_file_is_good(file->path, file->sha256, file->size_bytes, err);
	if (good < 0)
		return -1;
	if (!good)
		return err_set(err, ERR_SIGNATURE, "%s changed after it was fetched", file->path);
	return delta_open(file->path, delta, err);
}

/* One step of a chain; `from` NULL: from what is installed. */
static int step(const struct work *w, size_t index, const char *from, const char *to,
		char sha256[SHA256_HEX_LEN + 1], struct err *err)
{
	const struct plan_action *a = w->action;
	_cleanup_(delta_freep) struct delta *delta = NULL;
	_cleanup_(delta_old_close) struct delta_old old = { .known = w->basis.known,
							    .known_count = w->basis.count };
	_cleanup_(deb_freep) struct deb *deb = NULL;
	_cleanup_free_ char *installed = root_path(w->root, APPLIANCES_DIR "/%s", a->package);
	_cleanup_free_ char *cache = root_path(w->root, ARCHIVES_DIR);
	if (open_delta(&w->files[index], &delta, err) < 0 ||
	    check_ends(a, delta, index == 0, index + 1 == a->archive.delta_count, err) < 0)
		return -1;
	if (!from && delta_old_from_dir(&old, delta, installed, err) < 0)
		return -1;
	if (from && (deb_open(from, &deb, err) < 0 ||
		     delta_old_from_deb(&old, delta, deb, cache, err) < 0))
		return -1;
	return delta_apply(delta, &old, to, quit_check, sha256, err);
}

/* Its data.tar and its control member are the signed ones: that was so when they were written, and
 * fetch_rehash() sees that the disk has what was written. */
static int name_proven(const struct root *root, struct plan_archive *archive, const char *path,
		       const char *sha256, struct err *err)
{
	struct stat st;
	_cleanup_free_ char *proven = root_path(root, ARCHIVES_DIR "/%s.%s.deb", archive->sha256, sha256);
	if (stat(path, &st) < 0)
		return err_sys(err, "look at %s", path);
	if (atomic_rename(path, proven, err) < 0)
		return -1;
	archive->path = steal(&proven);
	archive->rebuilt_sha256 = xstrdup(sha256);
	archive->rebuilt_bytes = (uint64_t)st.st_size;
	return 0;
}

static int rebuild(const struct work *w, struct err *err)
{
	struct plan_archive *archive = &w->action->archive;
	_cleanup_free_ char *path = root_path(w->root, REBUILDING), *between = root_path(w->root, BETWEEN);
	bool two = archive->delta_count == 2;
	char sha256[SHA256_HEX_LEN + 1];
	int rc = step(w, 0, NULL, two ? between : path, sha256, err);
	if (rc == 0 && two)
		rc = step(w, 1, between, path, sha256, err);
	unlink(between);
	if (rc == 0)
		rc = name_proven(w->root, archive, path, sha256, err);
	if (rc < 0)
		unlink(path);
	return rc;
}

/* The file's name is what was proven of it, so nothing of it is read before its hash is right. */
static int take_rebuilt(const char *path, const char *sha256, struct plan_archive *archive, struct err *err)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return err_sys(err, "look at %s", path);
	int good = fetch_file_is_good(path, sha256, (uint64_t)st.st_size, err);
	if (good < 0)
		return -1;
	if (!good)
		return atomic_unlink(path, err);
	archive->path = xstrdup(path);
	archive->rebuilt_sha256 = xstrdup(sha256);
	archive->rebuilt_bytes = (uint64_t)st.st_size;
	return 0;
}

static int find_rebuilt(const char *dir, struct plan_archive *archive, struct err *err)
{
	DIR *listing = opendir(dir);
	if (!listing)
		return err_sys(err, "list %s", dir);
	int rc = 0;
	for (const struct dirent *e; rc == 0 && !archive->path && (e = readdir(listing));) {
		if (!str_starts(e->d_name, archive->sha256) || e->d_name[SHA256_HEX_LEN] != '.')
			continue;
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, e->d_name);
		_cleanup_free_ char *own = xstrndup(e->d_name + SHA256_HEX_LEN + 1, SHA256_HEX_LEN);
		if (sha256_is_valid(own))
			rc = take_rebuilt(path, own, archive, err);
	}
	closedir(listing);
	return rc;
}

int deltas_find(const struct root *root, struct plan *plan, struct err *err)
{
	_cleanup_free_ char *dir = root_path(root, ARCHIVES_DIR);
	for (size_t i = 0; i < plan->action_count; i++) {
		struct plan_archive *archive = &plan->actions[i].archive;
		if (archive->data_sha256 && !archive->path && find_rebuilt(dir, archive, err) < 0)
			return -1;
	}
	return 0;
}

/* Each package of the chain is there uncompressed, what pairs make beside it, and dpkg's copy. */
static int check_room(const struct root *root, const struct plan_action *a, struct err *err)
{
	struct statvfs fs;
	_cleanup_free_ char *cache = root_path(root, ARCHIVES_DIR);
	uint64_t need = a->archive.data_bytes * (a->archive.delta_count + 1) + a->installed_bytes;
	if (statvfs(cache, &fs) < 0)
		return err_sys(err, "ask how much is free at %s", cache);
	if ((uint64_t)fs.f_bavail * fs.f_frsize >= need)
		return 0;
	_cleanup_free_ char *size = size_format(need);
	return err_set(err, ERR_NO_SPACE, "rebuilding it needs %s below %s", size, cache);
}

/* What is installed is hashed meanwhile: on a thin line that costs no time. */
static int fetch_deltas(struct work *w, const struct fetch_policy *policy, uint64_t *received_bytes,
			struct err *err)
{
	const struct plan_action *a = w->action;
	_cleanup_free_ char *installed = root_path(w->root, APPLIANCES_DIR "/%s", a->package);
	int rc = 0;
	basis_hash_start(&w->basis, installed);
	for (size_t i = 0; rc == 0 && i < a->archive.delta_count; i++) {
		const struct plan_delta *delta = &a->archive.deltas[i];
		w->files[i] = (struct signed_file){ .name = a->package, .sha256 = delta->sha256,
						    .uris = &delta->uris, .suffix = ".delta",
						    .size_bytes = delta->size_bytes };
		rc = fetch_file_there(w->root, &w->files[i], err);
		if (rc == 0 && !w->files[i].path)
			rc = fetch_files(w->root, policy, &w->files[i], 1, received_bytes, err);
	}
	basis_hash_wait(&w->basis);
	return rc;
}

static void free_files(struct signed_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(files[i].path);
		err_clear(&files[i].err);
	}
}

static int try_one(const struct root *root, const struct fetch_policy *policy, struct plan_action *a,
		   struct strv *notes, uint64_t *received_bytes, struct err *err)
{
	struct work w = { .root = root, .action = a, .basis = BASIS_HASH_INIT };
	_cleanup_err_ struct err why = ERR_INIT;
	int rc = check_room(root, a, &why);
	if (rc == 0)
		rc = fetch_deltas(&w, policy, received_bytes, &why);
	if (rc == 0)
		rc = rebuild(&w, &why);
	free_files(w.files, a->archive.delta_count);
	if (rc == 0) {
		log_event("delta-done", "%s %s from %s, %" PRIu64 " bytes", a->package, a->to_version,
			  a->from_version, plan_deltas_bytes(&a->archive));
		return 0;
	}
	if (why.code == ERR_CANCELLED)
		return err_set(err, ERR_CANCELLED, "%s", why.msg);
	strv_addf(notes, "%s %s is fetched whole, since its delta from %s is no use: %s",
		  a->package, a->to_version, a->from_version, why.msg);
	log_warn("%s", notes->items[notes->count - 1]);
	return 0;
}

int deltas_apply(const struct root *root, const struct fetch_policy *policy, struct plan *plan,
		 struct strv *notes, uint64_t *received_bytes, struct err *err)
{
	struct fetch_policy hurried = *policy;
	/* Whole packages must still have a chance where deltas have none. */
	hurried.until_ms -= (policy->until_ms - monotonic_ms()) / 2;
	for (size_t i = 0; i < plan->action_count; i++) {
		struct plan_action *a = &plan->actions[i];
		if (a->archive.delta_count == 0 || a->archive.path)
			continue;
		if (quit_check(err) < 0 || try_one(root, &hurried, a, notes, received_bytes, err) < 0)
			return -1;
	}
	return 0;
}
