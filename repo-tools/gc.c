/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/gc.h"

#include <errno.h>
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "repo-tools/deltas.h"
#include "repo-tools/index.h"

struct gc {
	struct repo *repo;
	bool dry_run;
	struct gc_result *result;
};

static void count(struct gc *gc, const char *path, uint64_t size_bytes)
{
	gc->result->files++;
	gc->result->bytes += size_bytes;
	printf("%s\n", path);
}

/* Row first, then file: killed in between, the file is a stray for the next gc. */
static int drop_unused(const struct index_package *package, void *arg, struct err *err)
{
	struct gc *gc = arg;
	count(gc, package->path, package->size_bytes);
	return gc->dry_run ? 0 : index_drop_file(gc->repo->index, package->id, err);
}

static int path_is_known(struct state *index, const char *path, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(index, &stmt, err, "s", "SELECT 1 FROM package WHERE path = ?1",
			  path) < 0)
		return -1;
	return state_step(index, stmt, err);
}

struct useless {
	struct gc *gc;
	struct strv paths;
};

static int note_delta(const char *path, const char *sha256, uint64_t size_bytes, void *arg,
		      struct err *err)
{
	struct useless *useless = arg;
	count(useless->gc, path, size_bytes);
	strv_add(&useless->paths, path);
	return 0;
}

/* Deltas go with their versions: the rows here, the files when the pool is swept. */
static int drop_deltas(struct gc *gc, struct strv *dropped, struct err *err)
{
	struct useless useless = { gc, STRV_INIT };
	int rc = deltas_each(gc->repo->index, true, note_delta, &useless, err);
	for (size_t i = 0; i < useless.paths.count && rc == 0; i++) {
		strv_add(dropped, useless.paths.items[i]);
		if (!gc->dry_run)
			rc = deltas_drop(gc->repo->index, useless.paths.items[i], err);
	}
	strv_destroy(&useless.paths);
	return rc;
}

/* `path` is below public/. Unused ones were counted by drop_unused(), with their rows. */
static int visit_file(struct gc *gc, const char *path, const struct stat *st,
		      const struct strv *dropped, struct err *err)
{
	int known = path_is_known(gc->repo->index, path, err);
	if (known == 0)
		known = deltas_have(gc->repo->index, path, err);
	if (known != 0)
		return known < 0 ? -1 : 0;
	if (!strv_contains(dropped, path))
		count(gc, path, (uint64_t)st->st_size);
	if (gc->dry_run)
		return 0;
	_cleanup_free_ char *full = repo_path(gc->repo, "public/%s", path);
	return atomic_unlink(full, err);
}

static int visit(struct gc *gc, FTSENT *e, size_t prefix, const struct strv *dropped,
		 struct err *err)
{
	switch (e->fts_info) {
	case FTS_F:
	case FTS_SL:
	case FTS_SLNONE:
	case FTS_DEFAULT:
		return visit_file(gc, e->fts_path + prefix, e->fts_statp, dropped, err);
	case FTS_DP: /* goes if it is empty */
		if (e->fts_level > 1 && !gc->dry_run && rmdir(e->fts_accpath) < 0 &&
		    errno != ENOTEMPTY && errno != EEXIST)
			return err_sys(err, "cannot remove %s", e->fts_path);
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		errno = e->fts_errno;
		return err_sys(err, "cannot read %s", e->fts_path);
	default:
		return 0;
	}
}

static int sweep_pool(struct gc *gc, const struct strv *dropped, struct err *err)
{
	_cleanup_free_ char *public = repo_path(gc->repo, "public");
	_cleanup_free_ char *pool = repo_path(gc->repo, "public/pool");
	char *roots[] = { pool, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!fts)
		return err_sys(err, "cannot read %s", pool);
	int result = 0;
	for (FTSENT *e; result == 0 && (e = fts_read(fts));)
		result = visit(gc, e, strlen(public) + 1, dropped, err);
	fts_close(fts);
	return result;
}

static int remember_path(const struct index_package *package, void *arg, struct err *err)
{
	strv_add(arg, package->path);
	return 0;
}

int gc_run(struct repo *repo, bool dry_run, struct gc_result *result, struct err *err)
{
	struct gc gc = { repo, dry_run, result };
	_cleanup_strv_ struct strv dropped = STRV_INIT;
	if (index_each_unused(repo->index, remember_path, &dropped, err) < 0 ||
	    state_begin(repo->index, err) < 0)
		return -1;
	if (index_each_unused(repo->index, drop_unused, &gc, err) < 0 ||
	    drop_deltas(&gc, &dropped, err) < 0) {
		state_rollback(repo->index);
		return -1;
	}
	if (state_commit(repo->index, err) < 0)
		return -1;
	return sweep_pool(&gc, &dropped, err);
}
