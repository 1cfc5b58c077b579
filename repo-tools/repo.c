/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/repo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/lock.h"
#include "repo-tools/index.h"
#include "repo-tools/publish.h"

char *repo_resolve_dir(const char *dir)
{
	const char *env = getenv(REPO_ENV);
	if (!dir || !*dir)
		dir = env && *env ? env : REPO_DEFAULT_DIR;
	char *real = realpath(dir, NULL);
	return real ? real : xstrdup(dir);
}

char *repo_path(const struct repo *repo, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *below = xvasprintf(fmt, ap);
	va_end(ap);
	char *path = xasprintf("%s/%s", repo->dir, below);
	free(below);
	return path;
}

void repo_free(struct repo *repo)
{
	if (!repo)
		return;
	state_free(repo->index);
	repo_conf_free(repo->conf);
	closep(&repo->lock_fd);
	strv_destroy(&repo->unsynced);
	free(repo->dir);
	free(repo);
}

void repo_sync_later(struct repo *repo, const char *path)
{
	strv_add(&repo->unsynced, path);
}

int repo_sync(struct repo *repo, struct err *err)
{
	for (size_t i = 0; i < repo->unsynced.count; i++) {
		const char *path = repo->unsynced.items[i];
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fsync(fd) < 0)
			return err_sys(err, "cannot write %s to disk", path);
	}
	strv_destroy(&repo->unsynced);
	return 0;
}

static struct repo *repo_new(const char *dir)
{
	struct repo *repo = xcalloc(1, sizeof(*repo));
	repo->lock_fd = -1;
	repo->dir = repo_resolve_dir(dir);
	return repo;
}

static int read_conf(struct repo *repo, struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *path = repo_path(repo, "conf/repo.conf");
	if (!file_exists(path))
		return err_set(err, ERR_NOT_FOUND,
			       "there is no repository in %s; make one with 'imagerepo init', or "
			       "name it with --repo or " REPO_ENV,
			       repo->dir);
	if (file_read(path, REPO_CONF_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	return repo_conf_parse(text, len, path, &repo->conf, err);
}

static int take_lock(struct repo *repo, struct err *err)
{
	_cleanup_free_ char *path = repo_path(repo, "lock");
	repo->lock_fd = lock_take(path, -1, err);
	return repo->lock_fd < 0 ? -1 : 0;
}

static int open_index(struct repo *repo, struct err *err)
{
	_cleanup_free_ char *path = repo_path(repo, "index.db");
	return index_open(path, &repo->index, err);
}

int repo_open(const char *dir, enum repo_access access, struct repo **out, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = repo_new(dir);
	*out = NULL;
	if (read_conf(repo, err) < 0)
		return -1;
	if (access == REPO_WRITE && take_lock(repo, err) < 0)
		return -1;
	if (open_index(repo, err) < 0)
		return -1;
	if (access == REPO_WRITE && publish_recover(repo, err) < 0)
		return -1;
	*out = steal(&repo);
	return 0;
}

static int make_tree(const struct repo *repo, struct err *err)
{
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = {
		{ "conf/trust", 0755 },	  { "public/dists", 0755 },
		{ "public/pool", 0755 },  { "private", 0700 },
		{ "private/sites", 0700 }, { "tmp", 0700 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = repo_path(repo, "%s", dirs[i].name);
		if (make_dirs(path, dirs[i].mode, err) < 0)
			return -1;
	}
	return 0;
}

int repo_save_conf(const struct repo *repo, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *path = repo_path(repo, "conf/repo.conf");
	repo_conf_format(repo->conf, &text);
	return atomic_file_write(path, text.data, text.len, 0644, err);
}

int repo_create(const char *dir, struct repo_conf *conf, struct repo **out, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = repo_new(dir);
	*out = NULL;
	repo->conf = conf;
	_cleanup_free_ char *conf_path = repo_path(repo, "conf/repo.conf");
	if (make_dirs(repo->dir, 0755, err) < 0 || take_lock(repo, err) < 0)
		return -1;
	if (file_exists(conf_path))
		return err_set(err, ERR_EXISTS, "%s is a repository already", repo->dir);
	if (make_tree(repo, err) < 0 || open_index(repo, err) < 0)
		return -1;
	*out = steal(&repo);
	return 0;
}
