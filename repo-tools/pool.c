/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/boot-verdict.h"
#include "common/deb.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/progress.h"
#include "repo-tools/repo-conf.h"
#include "repo-tools/stanza.h"

#define CHUNK_BYTES (1024 * 1024)

/* Our copy in tmp/, removed unless it went into the pool. */
static void staged_freep(char **path)
{
	if (*path)
		unlink(*path);
	free(*path);
}

static int copy_bytes(int from, int to, struct progress *progress, char sha256[], struct err *err)
{
	_cleanup_free_ char *chunk = xmalloc(CHUNK_BYTES);
	struct sha256 hash;
	sha256_start(&hash);
	for (off_t offset = 0;;) {
		ssize_t got = pread(from, chunk, CHUNK_BYTES, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, "cannot read it");
		if (got == 0)
			break;
		sha256_add(&hash, chunk, (size_t)got);
		if (write_all(to, chunk, (size_t)got, err) < 0)
			return -1;
		progress_add(progress, (uint64_t)got);
		offset += got;
	}
	sha256_finish(&hash, sha256);
	return 0;
}

static int stage(const struct deb *source, const char *staged, char sha256[], struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(source->path);
	_cleanup_close_ int to =
		open(staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (to < 0)
		return err_sys(err, "cannot create %s", staged);
	if (fchmod(to, 0644) < 0)
		return err_sys(err, "cannot set the mode of %s", staged);
	struct progress *progress = progress_new(basename(copy), source->size_bytes);
	int result = copy_bytes(source->fd, to, progress, sha256, err);
	progress_free(progress);
	return result;
}

static int check_architecture(const struct repo *repo, const char *architecture, struct err *err)
{
	if (str_eq(architecture, "all") || strv_contains(&repo->conf->architectures, architecture))
		return 0;
	_cleanup_free_ char *all = strv_join(&repo->conf->architectures, " ");
	return err_set(err, ERR_INPUT,
		       "it is for %s, this repository serves: %s (Architectures in "
		       "conf/repo.conf)",
		       architecture, all);
}

/* 1: the very same is in the pool, 0: it is new, -1: the name is taken, or an error. */
static int look_up(struct repo *repo, struct index_package *package, struct err *err)
{
	_cleanup_package_ struct index_package known = { 0 };
	int found = index_find(repo->index, package->name, package->version,
			       package->architecture, &known, err);
	if (found <= 0)
		return found;
	if (!str_eq(known.sha256, package->sha256))
		return err_set(err, ERR_EXISTS,
			       "%s %s (%s) was published before with other content (SHA-256 "
			       "%.12s..., this is %.12s...); give it a new version",
			       package->name, package->version, package->architecture,
			       known.sha256, package->sha256);
	package->id = known.id;
	return known.path != NULL;
}

/* askom 1:2 and 2:2 share a file name, since the epoch is not part of it. */
static int check_path_is_free(struct repo *repo, const struct index_package *package,
			      struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(repo->index, &stmt, err, "s",
			  "SELECT version FROM package WHERE path = ?1", package->path) < 0)
		return -1;
	int row = state_step(repo->index, stmt, err);
	if (row <= 0)
		return row;
	return err_set(err, ERR_EXISTS,
		       "%s is the file of version %s in the pool; two versions must differ in "
		       "more than the epoch",
		       package->path, (const char *)sqlite3_column_text(stmt, 0));
}

static int move_into_pool(struct repo *repo, char **staged, struct index_package *package,
			  struct err *err)
{
	_cleanup_free_ char *target = repo_path(repo, "public/%s", package->path);
	_cleanup_free_ char *copy = xstrdup(target);
	const char *dir = dirname(copy);
	if (make_dirs(dir, 0755, err) < 0)
		return -1;
	if (rename(*staged, target) < 0)
		return err_sys(err, "cannot rename %s to %s", *staged, target);
	free(steal(staged));
	repo_sync_later(repo, target);
	for (; !str_ends(dir, "/public"); dir = dirname(copy))
		repo_sync_later(repo, dir);
	return index_put(repo->index, package, err);
}

/* file: where the verdict lies; NULL: nobody asks for one. What is no image boots nothing. */
static int check_tested(const struct deb *deb, const char *file, const char *sha256,
			struct err *err)
{
	if (!file || !deb_field(deb, "Image-Format"))
		return 0;
	return boot_verdict_require(file, sha256, err);
}

static int add_staged(struct repo *repo, char **staged, const char *sha256,
		      const char *verdict_of, struct index_package *out, struct err *err)
{
	_cleanup_(deb_freep) struct deb *deb = NULL;
	if (deb_open(*staged, &deb, err) < 0 || stanza_from_deb(deb, sha256, out, err) < 0 ||
	    check_architecture(repo, out->architecture, err) < 0 ||
	    check_tested(deb, verdict_of, sha256, err) < 0)
		return -1;
	int same = look_up(repo, out, err);
	if (same != 0)
		return same < 0 ? -1 : 0;
	if (check_path_is_free(repo, out, err) < 0 || stanza_check_image(deb, err) < 0)
		return -1;
	return move_into_pool(repo, staged, out, err);
}

int pool_add(struct repo *repo, const char *file, bool tested, struct index_package *out,
	     struct err *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	_cleanup_(deb_freep) struct deb *source = NULL;
	_cleanup_(staged_freep) char *staged = repo_path(repo, "tmp/%ld.deb", (long)getpid());
	memset(out, 0, sizeof(*out));
	if (deb_open(file, &source, err) < 0)
		return -1;
	if (stage(source, staged, sha256, err) < 0 ||
	    add_staged(repo, &staged, sha256, tested ? file : NULL, out, err) < 0) {
		index_package_destroy(out);
		return err_prefix(err, "%s", file);
	}
	return 0;
}
