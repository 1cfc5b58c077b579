/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/base-store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "common/appliance-conf.h"
#include "common/atomic-file.h"
#include "common/hash.h"
#include "common/log.h"

#define BASE_SUFFIX ".qcow2"

char *base_path(const struct root *root, const char *sha256)
{
	return root_path(root, BASES_DIR "/%s" BASE_SUFFIX, sha256);
}

char *version_path(const struct root *root, const char *appliance, const char *version,
		   const char *file)
{
	return root_path(root, VERSIONS_DIR "/%s/%s/%s", appliance, version, file);
}

char *package_path(const struct root *root, const char *appliance, const char *file)
{
	return root_path(root, APPLIANCES_DIR "/%s/%s", appliance, file);
}

static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;
	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

/* `to` becomes a hard link of `from`, whatever it was before, in one rename. */
static int link_over(const char *from, const char *to, struct err *err)
{
	if (same_file(from, to))
		return 0;
	_cleanup_free_ char *fresh = xasprintf("%s.new", to);
	if (atomic_unlink(fresh, err) < 0)
		return -1;
	if (atomic_link(from, fresh, err) < 0) {
		if (err->sys_errno == EXDEV)
			return err_prefix(
				err, "/var/lib/waybill must be one file system, so that "
				     "a base can be kept without a copy");
		return -1;
	}
	return atomic_rename(fresh, to, err);
}

/* Root's, and nobody writes to it: every overlay on it depends on its bytes. */
static int make_immutable(int fd, const char *path, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT, "%s is not a regular file", path);
	if (st.st_uid != geteuid() && fchown(fd, geteuid(), getegid()) < 0)
		return err_sys(err, "make %s our own", path);
	if (fchmod(fd, 0444) < 0)
		return err_sys(err, "make %s read-only", path);
	return 0;
}

static int record_base(struct host *host, const struct appliance_conf *conf,
		       uint64_t size, struct err *err)
{
	return state_exec(
		host->state, err, "sssii",
		"INSERT INTO base (sha256, appliance, version, size_bytes, added_at)"
		" VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (sha256) DO UPDATE SET"
		" version = ?3, added_at = ?5",
		conf->base_sha256, conf->appliance, conf->version, (int64_t)size,
		(int64_t)time(NULL));
}

static int retain_base(struct host *host, const struct appliance_conf *conf,
		       struct err *err)
{
	_cleanup_free_ char *from = package_path(&host->root, conf->appliance, BASE_FILE);
	_cleanup_free_ char *to = base_path(&host->root, conf->base_sha256);
	_cleanup_close_ int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(err, "open %s", from);
	char sha256[SHA256_HEX_LEN + 1];
	uint64_t size;
	if (same_file(from, to)) {
		struct stat st;
		if (fstat(fd, &st) < 0)
			return err_sys(err, "stat %s", from);
		return record_base(host, conf, (uint64_t)st.st_size, err);
	}
	/* Nobody writes to it from here on, so the hash stays true. */
	if (make_immutable(fd, from, err) < 0 || sha256_fd(fd, sha256, &size, err) < 0)
		return -1;
	if (!str_eq(sha256, conf->base_sha256))
		return err_set(
			err, ERR_SIGNATURE,
			"%s has SHA-256 %s, not %s as its %s says; install the package "
			"again",
			from, sha256, conf->base_sha256, CONF_FILE);
	return link_over(from, to, err) < 0 ? -1 : record_base(host, conf, size, err);
}

/* The conf comes last: with it the version is complete. */
static int retain_files(struct host *host, const struct appliance_conf *conf,
			struct err *err)
{
	static const char *const files[] = { KERNEL_FILE, INITRD_FILE, CONF_FILE };
	_cleanup_free_ char *dir =
		version_path(&host->root, conf->appliance, conf->version, "");
	if (make_dirs(dir, 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *from =
			package_path(&host->root, conf->appliance, files[i]);
		_cleanup_free_ char *to = version_path(&host->root, conf->appliance,
						       conf->version, files[i]);
		if (file_exists(from) && link_over(from, to, err) < 0)
			return -1;
	}
	return 0;
}

int base_store_retain(struct host *host, const char *appliance, struct err *err)
{
	_cleanup_free_ char *path = package_path(&host->root, appliance, CONF_FILE);
	_cleanup_free_ char *bases = root_path(&host->root, BASES_DIR);
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	if (!file_exists(path))
		return 0;
	if (appliance_conf_read_file(path, &conf, err) < 0)
		return -1;
	if (!str_eq(conf->appliance, appliance))
		return err_set(err, ERR_INPUT, "%s: Appliance: is %s, not %s", path,
			       conf->appliance, appliance);
	if (make_dirs(bases, 0755, err) < 0 || retain_base(host, conf, err) < 0)
		return -1;
	return retain_files(host, conf, err);
}

int base_store_has(struct host *host, const struct instance *inst, bool *has,
		   struct err *err)
{
	_cleanup_free_ char *base = base_path(&host->root, inst->wanted_base);
	_cleanup_free_ char *conf = version_path(&host->root, inst->appliance,
						 inst->wanted_version, CONF_FILE);
	_cleanup_free_ char *disk = package_path(&host->root, inst->appliance, BASE_FILE);
	_cleanup_free_ char *ours = package_path(&host->root, inst->appliance, CONF_FILE);
	*has = file_exists(base) && file_exists(conf);
	if (!*has || !file_exists(ours))
		return 0;
	/* The same version installed again is another inode, perhaps with other bytes. */
	_cleanup_(appliance_conf_freep) struct appliance_conf *installed = NULL;
	if (appliance_conf_read_file(ours, &installed, err) < 0)
		return -1;
	if (str_eq(installed->version, inst->wanted_version))
		*has = same_file(ours, conf) && same_file(disk, base);
	return 0;
}

/* --- what can go ------------------------------------------------------------ */

/* By an instance of another name than `but`. */
static int is_base_used(struct host *host, const char *sha256, const char *but,
			bool *used, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(
		    host->state, &stmt, err, "ss",
		    "SELECT 1 FROM instance WHERE ?1 IN (wanted_base, actual_base, good_base)"
		    " AND name IS NOT ?2 LIMIT 1",
		    sha256, but) < 0)
		return -1;
	int row = state_step(host->state, stmt, err);
	*used = row > 0;
	return row < 0 ? -1 : 0;
}

/* File first: a row without a file is harmless, and the next gc finds it. */
static int remove_base(struct host *host, const char *sha256, uint64_t *freed,
		       struct err *err)
{
	_cleanup_free_ char *path = base_path(&host->root, sha256);
	struct stat st;
	if (freed && stat(path, &st) == 0 && st.st_nlink == 1)
		*freed += (uint64_t)st.st_blocks * 512;
	if (atomic_unlink(path, err) < 0)
		return -1;
	return state_exec(host->state, err, "s", "DELETE FROM base WHERE sha256 = ?1",
			  sha256);
}

/* The names in a directory, without dot files; a missing directory has none. */
static int list_dir(const char *path, struct strv *out, struct err *err)
{
	DIR *dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : err_sys(err, "read %s", path);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			strv_add(out, entry->d_name);
	closedir(dir);
	strv_sort(out);
	return 0;
}

/* Bases of a run that died between link and row get one, so that one query sees all; the
 * half-made names of link_over() go. */
static int adopt_strays(struct host *host, struct err *err)
{
	_cleanup_free_ char *path = root_path(&host->root, BASES_DIR);
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (list_dir(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_free_ char *sha256 = xstrndup(names.items[i], SHA256_HEX_LEN);
		const char *rest = names.items[i] + strlen(sha256);
		if (!sha256_is_valid(sha256))
			continue;
		if (!str_eq(rest, BASE_SUFFIX)) {
			_cleanup_free_ char *half =
				xasprintf("%s/%s", path, names.items[i]);
			if (str_eq(rest, BASE_SUFFIX ".new") &&
			    atomic_unlink(half, err) < 0)
				return -1;
			continue;
		}
		if (state_exec(host->state, err, "s",
			       "INSERT OR IGNORE INTO base (sha256, appliance, version,"
			       " size_bytes, added_at) VALUES (?1, '', '', 0, 0)",
			       sha256) < 0)
			return -1;
	}
	return 0;
}

/* Unused bases, of each appliance the newest first, and last those that were reverted. */
static int list_unused(struct host *host, struct strv *sha256s, struct strv *appliances,
		       struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(
		    host->state, &stmt, err, "",
		    "SELECT sha256, appliance FROM base WHERE NOT EXISTS (SELECT 1 FROM"
		    " instance WHERE sha256 IN (wanted_base, actual_base, good_base))"
		    " ORDER BY appliance, EXISTS (SELECT 1 FROM bad_version WHERE base = sha256),"
		    " added_at DESC, sha256") < 0)
		return -1;
	int row;
	while ((row = state_step(host->state, stmt, err)) > 0) {
		strv_add(sha256s, (const char *)sqlite3_column_text(stmt, 0));
		strv_add(appliances, (const char *)sqlite3_column_text(stmt, 1));
	}
	return row;
}

static bool version_is_complete(struct host *host, const char *appliance,
				const char *version)
{
	_cleanup_free_ char *file = version_path(&host->root, appliance, version, CONF_FILE);
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	_cleanup_err_ struct err broken = ERR_INIT;
	if (appliance_conf_read_file(file, &conf, &broken) < 0)
		return false;
	_cleanup_free_ char *base = base_path(&host->root, conf->base_sha256);
	return file_exists(base);
}

int base_store_versions(struct host *host, const char *appliance, struct strv *out,
			struct err *err)
{
	_cleanup_free_ char *path = root_path(&host->root, VERSIONS_DIR "/%s", appliance);
	_cleanup_strv_ struct strv versions = STRV_INIT;
	if (list_dir(path, &versions, err) < 0)
		return -1;
	for (size_t i = 0; i < versions.count; i++)
		if (version_is_complete(host, appliance, versions.items[i]))
			strv_add(out, versions.items[i]);
	return 0;
}

/* Versions of one appliance whose base has gone cannot run again. */
static int gc_versions(struct host *host, const char *appliance, struct err *err)
{
	_cleanup_free_ char *path = root_path(&host->root, VERSIONS_DIR "/%s", appliance);
	_cleanup_strv_ struct strv versions = STRV_INIT;
	if (list_dir(path, &versions, err) < 0)
		return -1;
	for (size_t i = 0; i < versions.count; i++) {
		const char *version = versions.items[i];
		_cleanup_free_ char *dir =
			version_path(&host->root, appliance, version, "");
		if (!version_is_complete(host, appliance, version) &&
		    remove_tree(dir, err) < 0)
			return -1;
	}
	if (rmdir(path) < 0 && errno != ENOTEMPTY && errno != ENOENT)
		return err_sys(err, "remove %s", path);
	return 0;
}

static int gc_all_versions(struct host *host, struct err *err)
{
	_cleanup_free_ char *path = root_path(&host->root, VERSIONS_DIR);
	_cleanup_strv_ struct strv appliances = STRV_INIT;
	if (list_dir(path, &appliances, err) < 0)
		return -1;
	for (size_t i = 0; i < appliances.count; i++)
		if (gc_versions(host, appliances.items[i], err) < 0)
			return -1;
	return 0;
}

int base_store_gc(struct host *host, unsigned keep, unsigned *count,
		  uint64_t *freed_bytes, struct err *err)
{
	_cleanup_strv_ struct strv sha256s = STRV_INIT, appliances = STRV_INIT;
	if (adopt_strays(host, err) < 0 ||
	    list_unused(host, &sha256s, &appliances, err) < 0)
		return -1;
	unsigned seen = 0;
	for (size_t i = 0; i < sha256s.count; i++) {
		bool next =
			i == 0 || !str_eq(appliances.items[i], appliances.items[i - 1]);
		seen = next ? 1 : seen + 1;
		if (*appliances.items[i] && seen <= keep)
			continue;
		if (remove_base(host, sha256s.items[i], freed_bytes, err) < 0)
			return -1;
		(*count)++;
	}
	return gc_all_versions(host, err);
}

static int list_oldest_unused(struct host *host, struct strv *sha256s, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(host->state, &stmt, err, "",
			  "SELECT sha256 FROM base WHERE NOT EXISTS (SELECT 1 FROM instance"
			  " WHERE sha256 IN (wanted_base, actual_base, good_base))"
			  " ORDER BY added_at, sha256") < 0)
		return -1;
	int row;
	while ((row = state_step(host->state, stmt, err)) > 0)
		strv_add(sha256s, (const char *)sqlite3_column_text(stmt, 0));
	return row;
}

/* 1: as many bytes are free, 0: fewer. */
static int has_room(struct host *host, uint64_t free_bytes, struct err *err)
{
	_cleanup_free_ char *dir = root_path(&host->root, "var/lib/waybill");
	struct statvfs fs;
	if (statvfs(dir, &fs) < 0)
		return err_sys(err, "ask how much is free at %s", dir);
	return (uint64_t)fs.f_bavail * fs.f_frsize >= free_bytes;
}

int base_store_make_room(struct host *host, uint64_t free_bytes, unsigned *count,
			 uint64_t *freed_bytes, struct err *err)
{
	_cleanup_strv_ struct strv sha256s = STRV_INIT;
	if (adopt_strays(host, err) < 0 || list_oldest_unused(host, &sha256s, err) < 0)
		return -1;
	for (size_t i = 0; i < sha256s.count; i++) {
		int room = has_room(host, free_bytes, err);
		if (room < 0)
			return -1;
		if (room)
			break;
		if (remove_base(host, sha256s.items[i], freed_bytes, err) < 0)
			return -1;
		(*count)++;
	}
	return gc_all_versions(host, err);
}

/* Two appliances may share a base; then it goes with the last of them. */
static int list_bases_of(struct host *host, const char *appliance, struct strv *out,
			 struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(
		    host->state, &stmt, err, "s",
		    "SELECT sha256 FROM base WHERE appliance = ?1 OR NOT EXISTS"
		    " (SELECT 1 FROM instance WHERE instance.appliance = base.appliance)",
		    appliance) < 0)
		return -1;
	int row;
	while ((row = state_step(host->state, stmt, err)) > 0)
		strv_add(out, (const char *)sqlite3_column_text(stmt, 0));
	return row;
}

/* By an instance of another name: `appliance run --as`. */
static int is_appliance_used(struct host *host, const char *appliance, bool *used,
			     struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(host->state, &stmt, err, "s",
			  "SELECT 1 FROM instance WHERE appliance = ?1 AND name IS NOT ?1 LIMIT 1",
			  appliance) < 0)
		return -1;
	int row = state_step(host->state, stmt, err);
	*used = row > 0;
	return row < 0 ? -1 : 0;
}

int base_store_drop(struct host *host, const char *appliance, struct err *err)
{
	_cleanup_strv_ struct strv sha256s = STRV_INIT;
	if (adopt_strays(host, err) < 0 ||
	    list_bases_of(host, appliance, &sha256s, err) < 0)
		return -1;
	for (size_t i = 0; i < sha256s.count; i++) {
		bool used;
		if (is_base_used(host, sha256s.items[i], appliance, &used, err) < 0)
			return -1;
		if (!used && remove_base(host, sha256s.items[i], NULL, err) < 0)
			return -1;
	}
	bool used;
	_cleanup_free_ char *versions =
		root_path(&host->root, VERSIONS_DIR "/%s", appliance);
	if (is_appliance_used(host, appliance, &used, err) < 0)
		return -1;
	return used ? gc_versions(host, appliance, err) : remove_tree(versions, err);
}
