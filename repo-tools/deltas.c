/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/deltas.h"

#include <libgen.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/subproc.h"

enum {
	MIN_SAVED_PERCENT = 20,
	TIMEOUT_MS = 3600 * 1000,
};

struct maker {
	struct repo *repo;
	const struct index_package *new;
	uint64_t left;		/* how many more are wanted */
	int *made;
	struct strbuf *said;
};

static const char *without_epoch(const char *version)
{
	const char *colon = strchr(version, ':');
	return colon ? colon + 1 : version;
}

static char *pool_path(const struct index_package *old, const struct index_package *new)
{
	_cleanup_free_ char *copy = xstrdup(new->path);
	return xasprintf("%s/%s_%s_%s_%s.delta", dirname(copy), new->name,
			 without_epoch(old->version), without_epoch(new->version),
			 new->architecture);
}

static int run_imagepkg(struct repo *repo, const char *const *argv, struct err *err)
{
	/* Emptied by the next run, if this one is killed. */
	_cleanup_free_ char *tmp_env = repo_path(repo, "tmp");
	_cleanup_free_ char *tmp = xasprintf("TMPDIR=%s", tmp_env);
	const char *env[] = { tmp, NULL };
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	struct subproc spec = { .argv = argv, .env_add = env, .output = &output, .quiet = true,
				.timeout_ms = TIMEOUT_MS, .die_with_us = true };
	return subproc_run(&spec, NULL, err);
}

/* Make it, and prove that the package comes out of it. */
static int make_file(struct repo *repo, const char *old, const char *new, const char *delta,
		     struct err *err)
{
	_cleanup_free_ char *old_path = repo_path(repo, "public/%s", old);
	_cleanup_free_ char *new_path = repo_path(repo, "public/%s", new);
	_cleanup_free_ char *rebuilt = xasprintf("%s.deb", delta);
	const char *make[] = { "imagepkg", "--quiet", "delta", "-o", delta, old_path, new_path, NULL };
	const char *patch[] = { "imagepkg", "--quiet", "patch", "-o", rebuilt, delta, old_path, NULL };
	int rc = run_imagepkg(repo, make, err);
	rc = rc == 0 ? run_imagepkg(repo, patch, err) : rc;
	unlink(rebuilt);
	return rc;
}

static int record(struct maker *m, const struct index_package *old, const char *staged,
		  const char *sha256, uint64_t bytes, struct err *err)
{
	_cleanup_free_ char *path = pool_path(old, m->new);
	_cleanup_free_ char *target = repo_path(m->repo, "public/%s", path);
	_cleanup_free_ char *copy = xstrdup(target);
	if (atomic_rename(staged, target, err) < 0)
		return -1;
	repo_sync_later(m->repo, target);
	repo_sync_later(m->repo, dirname(copy));
	return state_exec(m->repo->index, err, "iissi",
			  "INSERT OR REPLACE INTO delta (old_id, new_id, path, sha256, size_bytes)"
			  " VALUES (?1, ?2, ?3, ?4, ?5)",
			  old->id, m->new->id, path, sha256, (int64_t)bytes);
}

static int make_from(struct maker *m, const struct index_package *old, struct err *err)
{
	_cleanup_err_ struct err why = ERR_INIT;
	_cleanup_free_ char *staged = repo_path(m->repo, "tmp/%ld.delta", (long)getpid());
	char sha256[SHA256_HEX_LEN + 1];
	uint64_t bytes = 0;
	if (make_file(m->repo, old->path, m->new->path, staged, &why) < 0) {
		log_info("%s %s: no delta from %s: %s", m->new->name, m->new->version, old->version,
			 why.msg);
		unlink(staged);
		return 0;
	}
	if (sha256_file(staged, sha256, &bytes, err) < 0)
		return -1;
	unsigned percent = (unsigned)(bytes * 100 / m->new->size_bytes);
	if (percent > 100 - MIN_SAVED_PERCENT) {
		log_info("%s %s: a delta from %s would be %u %% of the package; sites fetch that",
			 m->new->name, m->new->version, old->version, percent);
		return unlink(staged) == 0 ? 0 : err_sys(err, "cannot remove %s", staged);
	}
	if (record(m, old, staged, sha256, bytes, err) < 0)
		return -1;
	_cleanup_free_ char *size = size_format(bytes);
	strbuf_addf(m->said, "%s %s %s: delta from %s, %s, %u %% of the package\n", m->new->name,
		    m->new->version, m->new->architecture, old->version, size, percent);
	++*m->made;
	return 0;
}

/* Made when the package came into another suite, which would not know of other bytes. 1, 0 or -1. */
static int is_made(const struct maker *m, const struct index_package *old, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	_cleanup_free_ char *path = pool_path(old, m->new);
	_cleanup_free_ char *file = repo_path(m->repo, "public/%s", path);
	if (state_prepare(m->repo->index, &stmt, err, "ii",
			  "SELECT 1 FROM delta WHERE old_id = ?1 AND new_id = ?2", old->id,
			  m->new->id) < 0)
		return -1;
	int row = state_step(m->repo->index, stmt, err);
	return row <= 0 ? row : file_exists(file);
}

static int on_version(const struct index_package *old, void *arg, struct err *err)
{
	struct maker *m = arg;
	if (m->left == 0 || !str_eq(old->architecture, m->new->architecture) ||
	    version_compare(old->version, m->new->version) >= 0 ||
	    !strstr(old->stanza, "\nImage-Format: "))
		return 0;
	m->left--;
	int made = is_made(m, old, err);
	return made ? (made < 0 ? -1 : 0) : make_from(m, old, err);
}

int deltas_make(struct repo *repo, const char *suite, const struct index_package *package,
		int *made, struct strbuf *said, struct err *err)
{
	struct maker m = { repo, package, repo->conf->deltas, made, said };
	if (m.left == 0 || !strstr(package->stanza, "\nImage-Format: "))
		return 0;
	return index_each(repo->index, suite, package->architecture, package->name, on_version, &m,
			  err);
}

/* --- the index -------------------------------------------------------------------------- */

int deltas_text(struct state *index, const char *suite, const char *architecture,
		struct strbuf *out, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(index, &stmt, err, "ss",
			  "SELECT n.name, n.architecture, o.version, n.version, d.path,"
			  " d.size_bytes, d.sha256 FROM delta d"
			  " JOIN package o ON o.id = d.old_id JOIN package n ON n.id = d.new_id"
			  " JOIN member om ON om.package_id = d.old_id"
			  " JOIN member nm ON nm.package_id = d.new_id"
			  " WHERE om.suite = ?1 AND nm.suite = ?1 AND n.architecture IN (?2, 'all')"
			  " ORDER BY n.name, n.version COLLATE version DESC,"
			  " o.version COLLATE version DESC, n.architecture",
			  suite, architecture) < 0)
		return -1;
	for (;;) {
		static const char *const fields[] = { "Package", "Architecture", "Old-Version",
						      "New-Version", "Filename", "Size", "SHA256" };
		int row = state_step(index, stmt, err);
		if (row <= 0)
			return row;
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
			strbuf_addf(out, "%s: %s\n", fields[i],
				    (const char *)sqlite3_column_text(stmt, (int)i));
		strbuf_addc(out, '\n');
	}
}

int deltas_each(struct state *index, bool useless, delta_fn fn, void *arg, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(index, &stmt, err, "i",
			  "SELECT path, sha256, size_bytes FROM delta d WHERE NOT ?1"
			  " OR NOT EXISTS (SELECT 1 FROM member m WHERE m.package_id = d.old_id)"
			  " OR NOT EXISTS (SELECT 1 FROM member m WHERE m.package_id = d.new_id)"
			  " ORDER BY path",
			  (int64_t)useless) < 0)
		return -1;
	for (;;) {
		int row = state_step(index, stmt, err);
		if (row <= 0)
			return row;
		if (fn((const char *)sqlite3_column_text(stmt, 0),
		       (const char *)sqlite3_column_text(stmt, 1),
		       (uint64_t)sqlite3_column_int64(stmt, 2), arg, err) < 0)
			return -1;
	}
}

int deltas_drop(struct state *index, const char *path, struct err *err)
{
	return state_exec(index, err, "s", "DELETE FROM delta WHERE path = ?1", path);
}

int deltas_have(struct state *index, const char *path, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(index, &stmt, err, "s", "SELECT 1 FROM delta WHERE path = ?1", path) < 0)
		return -1;
	return state_step(index, stmt, err);
}
