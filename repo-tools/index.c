/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/index.h"

static const char *const schema[] = {
	"CREATE TABLE package ("
	" id INTEGER PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL,"
	" architecture TEXT NOT NULL, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL,"
	" path TEXT, stanza TEXT NOT NULL, added_at INTEGER NOT NULL,"
	" UNIQUE (name, version, architecture));"
	"CREATE TABLE member ("
	" suite TEXT NOT NULL, package_id INTEGER NOT NULL REFERENCES package(id),"
	" PRIMARY KEY (suite, package_id)) WITHOUT ROWID;"
	"CREATE INDEX member_package ON member(package_id);"
	"CREATE TABLE suite ("
	" name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE file ("
	" suite TEXT NOT NULL, number INTEGER NOT NULL, dir TEXT NOT NULL, sha256 TEXT NOT NULL,"
	" PRIMARY KEY (suite, dir, sha256, number)) WITHOUT ROWID;",
	"CREATE TABLE delta ("
	" old_id INTEGER NOT NULL REFERENCES package(id),"
	" new_id INTEGER NOT NULL REFERENCES package(id), path TEXT NOT NULL UNIQUE,"
	" sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL,"
	" PRIMARY KEY (old_id, new_id)) WITHOUT ROWID;",
	"ALTER TABLE member ADD COLUMN phase INTEGER",
};

#define COLUMNS \
	"p.id, p.name, p.version, p.architecture, p.sha256, p.size_bytes, p.path, p.stanza"
#define ORDER " ORDER BY p.name, p.version COLLATE version DESC, p.architecture"

static int collate_versions(void *arg, int a_len, const void *a, int b_len, const void *b)
{
	_cleanup_free_ char *left = xstrndup(a, (size_t)a_len);
	_cleanup_free_ char *right = xstrndup(b, (size_t)b_len);
	return version_compare(left, right);
}

int index_open(const char *path, struct state **out, struct err *err)
{
	_cleanup_(state_freep) struct state *index = NULL;
	*out = NULL;
	if (state_open_file(path, schema, ARRAY_SIZE(schema), &index, err) < 0)
		return -1;
	/* A journal that stays saves a directory's fsync and an allocation for each commit. */
	if (state_exec(index, err, "", "PRAGMA journal_mode = PERSIST") < 0)
		return -1;
	if (sqlite3_create_collation(index->db, "version", SQLITE_UTF8, NULL,
				     collate_versions) != SQLITE_OK)
		return err_set(err, ERR_INCONSISTENT, "%s: %s", path, sqlite3_errmsg(index->db));
	*out = steal(&index);
	return 0;
}

void index_package_destroy(struct index_package *package)
{
	free(package->name);
	free(package->version);
	free(package->architecture);
	free(package->path);
	free(package->stanza);
	memset(package, 0, sizeof(*package));
}

static void read_row(sqlite3_stmt *stmt, struct index_package *out)
{
	_cleanup_free_ char *sha256 = state_text(stmt, 4);
	memset(out, 0, sizeof(*out));
	out->id = sqlite3_column_int64(stmt, 0);
	out->name = state_text(stmt, 1);
	out->version = state_text(stmt, 2);
	out->architecture = state_text(stmt, 3);
	snprintf(out->sha256, sizeof(out->sha256), "%s", sha256);
	out->size_bytes = (uint64_t)sqlite3_column_int64(stmt, 5);
	out->path = state_text(stmt, 6);
	out->stanza = state_text(stmt, 7);
}

int index_find(struct state *index, const char *name, const char *version,
	       const char *architecture, struct index_package *out, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(index, &stmt, err, "sss",
			  "SELECT " COLUMNS " FROM package p WHERE p.name = ?1"
			  " AND p.version = ?2 AND p.architecture = ?3",
			  name, version, architecture) < 0)
		return -1;
	int found = state_step(index, stmt, err);
	if (found == 1)
		read_row(stmt, out);
	return found;
}

int index_put(struct state *index, struct index_package *package, struct err *err)
{
	if (state_exec(index, err, "ssssissi",
		       "INSERT INTO package (name, version, architecture, sha256, size_bytes,"
		       " path, stanza, added_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
		       " ON CONFLICT (name, version, architecture) DO UPDATE"
		       " SET path = excluded.path, stanza = excluded.stanza",
		       package->name, package->version, package->architecture, package->sha256,
		       (int64_t)package->size_bytes, package->path, package->stanza,
		       time_now_reproducible()) < 0)
		return -1;
	_cleanup_package_ struct index_package stored = { 0 };
	if (index_find(index, package->name, package->version, package->architecture, &stored,
		       err) < 0)
		return -1;
	package->id = stored.id;
	return 0;
}

int index_join(struct state *index, const char *suite, int64_t id, struct err *err)
{
	if (state_exec(index, err, "si",
		       "INSERT OR IGNORE INTO member (suite, package_id) VALUES (?1, ?2)", suite,
		       id) < 0)
		return -1;
	return sqlite3_changes(index->db) > 0;
}

int index_leave(struct state *index, const char *suite, int64_t id, struct err *err)
{
	if (state_exec(index, err, "si",
		       "DELETE FROM member WHERE suite = ?1 AND package_id = ?2", suite, id) < 0)
		return -1;
	return sqlite3_changes(index->db) > 0;
}

int index_set_phase(struct state *index, const char *suite, int64_t id, unsigned percent,
		    struct err *err)
{
	if (state_exec(index, err, "sii",
		       "UPDATE member SET phase = nullif(?3, 100) WHERE suite = ?1 AND"
		       " package_id = ?2 AND phase IS NOT nullif(?3, 100)", suite, id,
		       (int64_t)percent) < 0)
		return -1;
	return sqlite3_changes(index->db) > 0;
}

static int walk(struct state *index, sqlite3_stmt *stmt, index_fn fn, void *arg,
		struct err *err)
{
	for (;;) {
		_cleanup_package_ struct index_package package = { 0 };
		int row = state_step(index, stmt, err);
		if (row <= 0)
			return row;
		read_row(stmt, &package);
		if (fn(&package, arg, err) < 0)
			return -1;
	}
}

int index_each(struct state *index, const char *suite, const char *architecture,
	       const char *name, index_fn fn, void *arg, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(index, &stmt, err, "sss",
			  "SELECT " COLUMNS " FROM package p WHERE p.path IS NOT NULL"
			  " AND (?1 IS NULL OR EXISTS (SELECT 1 FROM member m"
			  "  WHERE m.package_id = p.id AND m.suite = ?1))"
			  " AND (?2 IS NULL OR p.architecture IN (?2, 'all'))"
			  " AND (?3 IS NULL OR p.name = ?3)" ORDER,
			  suite, architecture, name) < 0)
		return -1;
	return walk(index, stmt, fn, arg, err);
}

int index_each_unused(struct state *index, index_fn fn, void *arg, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(index, &stmt, err, "",
			  "SELECT " COLUMNS " FROM package p WHERE p.path IS NOT NULL AND"
			  " NOT EXISTS (SELECT 1 FROM member m WHERE m.package_id = p.id)"
			  ORDER) < 0)
		return -1;
	return walk(index, stmt, fn, arg, err);
}

int index_drop_file(struct state *index, int64_t id, struct err *err)
{
	return state_exec(index, err, "i", "UPDATE package SET path = NULL WHERE id = ?1", id);
}

int index_packages_text(struct state *index, const char *suite, const char *architecture,
			struct strbuf *out, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(index, &stmt, err, "ss",
			  "SELECT p.stanza, m.phase FROM member m"
			  " JOIN package p ON p.id = m.package_id"
			  " WHERE m.suite = ?1 AND p.architecture IN (?2, 'all')" ORDER,
			  suite, architecture) < 0)
		return -1;
	for (;;) {
		int row = state_step(index, stmt, err);
		if (row <= 0)
			return row;
		strbuf_add(out, sqlite3_column_text(stmt, 0),
			   (size_t)sqlite3_column_bytes(stmt, 0));
		if (sqlite3_column_type(stmt, 1) != SQLITE_NULL)
			strbuf_addf(out, "Phased-Update-Percentage: %d\n",
				    sqlite3_column_int(stmt, 1));
		strbuf_addc(out, '\n');
	}
}

int index_get_number(struct state *index, const char *suite, int64_t *number, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(index, &stmt, err, "s", "SELECT number FROM suite WHERE name = ?1",
			  suite) < 0)
		return -1;
	int row = state_step(index, stmt, err);
	*number = row == 1 ? sqlite3_column_int64(stmt, 0) : 0;
	return row < 0 ? -1 : 0;
}

int index_set_number(struct state *index, const char *suite, int64_t number, struct err *err)
{
	return state_exec(index, err, "si",
			  "INSERT INTO suite (name, number) VALUES (?1, ?2)"
			  " ON CONFLICT (name) DO UPDATE SET number = excluded.number",
			  suite, number);
}

int index_add_file(struct state *index, const char *suite, int64_t number, const char *dir,
		   const char *sha256, struct err *err)
{
	return state_exec(index, err, "siss",
			  "INSERT OR IGNORE INTO file (suite, number, dir, sha256)"
			  " VALUES (?1, ?2, ?3, ?4)",
			  suite, number, dir, sha256);
}

int index_forget_files(struct state *index, const char *suite, int64_t before, struct err *err)
{
	return state_exec(index, err, "si",
			  "DELETE FROM file WHERE suite = ?1 AND number < ?2", suite, before);
}

int index_files(struct state *index, const char *suite, const char *dir, struct strv *sha256s,
		struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(index, &stmt, err, "ss",
			  "SELECT DISTINCT sha256 FROM file WHERE suite = ?1 AND dir = ?2", suite,
			  dir) < 0)
		return -1;
	for (;;) {
		int row = state_step(index, stmt, err);
		if (row <= 0)
			return row;
		strv_add(sha256s, (const char *)sqlite3_column_text(stmt, 0));
	}
}

int index_each_suite(struct state *index, int64_t id, index_suite_fn fn, void *arg,
		     struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(index, &stmt, err, "i",
			  "SELECT suite, coalesce(phase, 100) FROM member WHERE package_id = ?1",
			  id) < 0)
		return -1;
	for (;;) {
		int row = state_step(index, stmt, err);
		if (row <= 0)
			return row;
		fn((const char *)sqlite3_column_text(stmt, 0),
		   (unsigned)sqlite3_column_int(stmt, 1), arg);
	}
}
