/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One open repository: its directory, configuration, lock and index. */
#ifndef WAYBILL_REPO_H
#define WAYBILL_REPO_H

#include "common/err.h"
#include "common/state.h"
#include "common/util.h"
#include "repo-tools/repo-conf.h"

#define REPO_DEFAULT_DIR "/srv/waybill"
/* The directory's default and its environment variable's name. */
#define REPO_ENV "WAYBILL_REPO"

struct repo {
	char *dir;		/* absolute */
	struct repo_conf *conf;
	struct state *index;	/* index.db */
	int lock_fd;		/* -1: opened for reading */
	struct strv unsynced;	/* what repo_sync() has to make durable */
};

enum repo_access { REPO_READ, REPO_WRITE };

/* Open what `imagerepo init` made. With REPO_WRITE it waits for the lock, and then
 * finishes or clears away what a killed run has left (publish_recover()).
 * `dir` NULL: $WAYBILL_REPO, else /srv/waybill. Errors: ERR_NOT_FOUND if there is
 * no repository. */
int repo_open(const char *dir, enum repo_access access, struct repo **out,
	      struct err *err) _must_check_;
void repo_free(struct repo *repo);
DEFINE_FREEP(struct repo, repo_free)

/* Make the directories and index.db, and take the lock; repo_save_conf() at the end
 * makes it a repository. What a killed attempt has left is used again.
 * `conf` is taken over, also on error. ERR_EXISTS if it is a repository already. */
int repo_create(const char *dir, struct repo_conf *conf, struct repo **out,
		struct err *err) _must_check_;
int repo_save_conf(const struct repo *repo, struct err *err) _must_check_;

/* "<dir>/<formatted path>"; free it. */
char *repo_path(const struct repo *repo, const char *fmt, ...) _printf_(2, 3);

/* Note a file or directory that must be durable before the index says that it is
 * there, and make all that was noted durable. Together, since the first fsync has the
 * file system write its journal, which holds what the others ask for: they cost little. */
void repo_sync_later(struct repo *repo, const char *path);
int repo_sync(struct repo *repo, struct err *err) _must_check_;

/* The directory that `dir` (as given on the command line, or NULL) means; free it. */
char *repo_resolve_dir(const char *dir);

#endif
